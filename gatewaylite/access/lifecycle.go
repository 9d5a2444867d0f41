package access

import (
	"crypto/rand"
	"encoding/xml"
	"math"
	"slices"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// MaxLifecycleRules is the most rules that a lifecycle configuration may have.
const MaxLifecycleRules = 1000

// Rule is a lifecycle rule: what is done when to the objects that all of Prefix,
// Tags, MinSize and SizeBelow choose. A zero field chooses or does nothing.
type Rule struct {
	ID      string
	Enabled bool

	Prefix    string
	Bare      bool // Prefix came without a Filter, as it did in the first version of the API
	Tags      Tags
	MinSize   int64 // in bytes: ObjectSizeGreaterThan and one
	SizeBelow int64 // in bytes: ObjectSizeLessThan

	ExpireAfterDays     int       // after an object was made
	ExpireAt            time.Time // midnight UTC
	ExpireDeleteMarkers bool      // remove those that hide no version any more

	NoncurrentDays int // after a version stopped being the current one
	KeepNewer      int // so many of the newest noncurrent versions stay
	AbortDays      int // after an upload began
}

// ParseLifecycle reads LifecycleConfiguration ("PutBucketLifecycleConfiguration",
// S3 API reference). A rule without an ID is given one. Moving to another storage class is
// NotImplemented.
func ParseLifecycle(doc []byte) ([]Rule, error) {
	var in lifecycleXML
	if err := readXML(doc, &in); err != nil {
		return nil, s3err.Wrap(s3err.MalformedXML, err)
	}
	if len(in.Rules) == 0 || len(in.Rules) > MaxLifecycleRules || allKnown(in.Unknown) != nil {
		return nil, s3err.New(s3err.MalformedXML)
	}
	rules := make([]Rule, 0, len(in.Rules))
	ids := make(map[string]bool)
	for i := range in.Rules {
		r, err := in.Rules[i].rule()
		if err != nil {
			return nil, err
		}
		if ids[r.ID] {
			return nil, badArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", r.ID)
		}
		ids[r.ID] = true
		rules = append(rules, r)
	}
	return rules, nil
}

// LifecycleXML is LifecycleConfiguration ("GetBucketLifecycleConfiguration", S3
// API reference).
func LifecycleXML(rules []Rule) []byte {
	out := lifecycleXML{XMLName: xml.Name{Local: "LifecycleConfiguration"}, Xmlns: xmlns}
	for i := range rules {
		out.Rules = append(out.Rules, ruleToXML(&rules[i]))
	}
	return writeXML(out)
}

func (in *ruleXML) rule() (Rule, error) {
	if len(in.Transitions)+len(in.NoncurrentTransitions) > 0 {
		return Rule{}, s3err.Errorf(s3err.NotImplemented, "Transitions to other storage classes are not implemented")
	}
	if in.Status != "Enabled" && in.Status != "Disabled" || (in.Prefix == nil) == (in.Filter == nil) || in.hasUnknown() {
		return Rule{}, s3err.New(s3err.MalformedXML)
	}
	if len(in.ID) > 255 {
		return Rule{}, badArgument("ID length should not exceed allowed limit of 255", "ID", in.ID)
	}
	r := Rule{ID: in.ID, Enabled: in.Status == "Enabled"}
	if r.ID == "" {
		r.ID = rand.Text()
	}
	for _, step := range []func(*Rule) error{in.choose, in.expire, in.expireNoncurrent, in.abort} {
		if err := step(&r); err != nil {
			return Rule{}, err
		}
	}
	return r, r.check()
}

// choose reads which objects the rule is for.
func (in *ruleXML) choose(r *Rule) error {
	if in.Prefix != nil {
		r.Prefix, r.Bare = *in.Prefix, true
		return checkPrefix(r.Prefix)
	}
	f, ok := in.Filter.flat()
	if !ok {
		return s3err.New(s3err.MalformedXML)
	}
	if f.Prefix != nil {
		r.Prefix = *f.Prefix
	}
	r.Tags = f.Tags
	return firstError(checkPrefix(r.Prefix), r.Tags.check(MaxObjectTags), f.sizes(r))
}

// sizes reads the bounds of the size, which must leave one.
func (f *predicates) sizes(r *Rule) error {
	if f.Greater != nil {
		if *f.Greater < 0 || *f.Greater == math.MaxInt64 {
			return badArgument("'ObjectSizeGreaterThan' must be a non-negative integer", "ObjectSizeGreaterThan", "")
		}
		r.MinSize = *f.Greater + 1
	}
	if f.Less != nil {
		if *f.Less <= 0 {
			return badArgument("'ObjectSizeLessThan' must be a positive integer", "ObjectSizeLessThan", "")
		}
		r.SizeBelow = *f.Less
	}
	if r.SizeBelow > 0 && r.MinSize >= r.SizeBelow {
		return s3err.Errorf(s3err.InvalidRequest, "'ObjectSizeLessThan' must be greater than 'ObjectSizeGreaterThan'")
	}
	return nil
}

func (in *ruleXML) expire(r *Rule) error {
	e := in.Expiration
	if e == nil {
		return nil
	}
	if countSet(e.Days != nil, e.Date != nil, e.DeleteMarker != nil) != 1 {
		return s3err.New(s3err.MalformedXML)
	}
	r.ExpireDeleteMarkers = e.DeleteMarker != nil && *e.DeleteMarker
	if e.Date != nil {
		t, err := time.Parse(time.RFC3339, *e.Date)
		if err != nil {
			return s3err.Wrap(s3err.MalformedXML, err)
		}
		if r.ExpireAt = t.UTC(); !r.ExpireAt.Equal(r.ExpireAt.Truncate(24 * time.Hour)) {
			return badArgument("'Date' must be at midnight GMT", "Date", *e.Date)
		}
	}
	return days(e.Days, &r.ExpireAfterDays, "'Days' for Expiration action must be a positive integer")
}

func (in *ruleXML) expireNoncurrent(r *Rule) error {
	e := in.Noncurrent
	if e == nil {
		return nil
	}
	if e.Days == nil {
		return s3err.New(s3err.MalformedXML)
	}
	if e.Keep != nil && (*e.Keep < 1 || *e.Keep > 100) {
		return badArgument("'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer of at most 100", "NewerNoncurrentVersions", "")
	}
	if e.Keep != nil {
		r.KeepNewer = *e.Keep
	}
	return days(e.Days, &r.NoncurrentDays, "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
}

func (in *ruleXML) abort(r *Rule) error {
	if in.Abort == nil {
		return nil
	}
	if in.Abort.Days == nil {
		return s3err.New(s3err.MalformedXML)
	}
	return days(in.Abort.Days, &r.AbortDays, "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
}

// check is about the rule as a whole.
func (r *Rule) check() error {
	switch {
	case r.ExpireAfterDays == 0 && r.ExpireAt.IsZero() && !r.ExpireDeleteMarkers && r.NoncurrentDays == 0 && r.AbortDays == 0:
		return s3err.Errorf(s3err.InvalidRequest, "At least one action needs to be specified in a rule")
	case r.AbortDays > 0 && len(r.Tags) > 0:
		return s3err.Errorf(s3err.InvalidRequest, "AbortIncompleteMultipartUpload cannot be specified with Tags")
	case r.AbortDays > 0 && (r.MinSize > 0 || r.SizeBelow > 0):
		return s3err.Errorf(s3err.InvalidRequest, "AbortIncompleteMultipartUpload cannot be specified with Object Size")
	case r.ExpireDeleteMarkers && len(r.Tags) > 0:
		return s3err.Errorf(s3err.InvalidRequest, "ExpiredObjectDeleteMarker cannot be specified with Tags")
	case r.ExpireDeleteMarkers && (r.MinSize > 0 || r.SizeBelow > 0):
		return s3err.Errorf(s3err.InvalidRequest, "ExpiredObjectDeleteMarker cannot be specified with Object Size")
	}
	return nil
}

// days sets a number of days, if it is given.
func days(n *int, to *int, message string) error {
	if n == nil {
		return nil
	}
	if *n < 1 || *n > math.MaxInt32 {
		return badArgument(message, "Days", "")
	}
	*to = *n
	return nil
}

func checkPrefix(p string) error {
	if len(p) > 1024 {
		return s3err.Errorf(s3err.InvalidRequest, "The maximum size of a prefix is 1024")
	}
	return nil
}

func countSet(set ...bool) int {
	return len(slices.DeleteFunc(set, func(b bool) bool { return !b }))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
