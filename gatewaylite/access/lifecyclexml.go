package access

import "encoding/xml"

// lifecycleXML is LifecycleConfiguration, read and written.
type lifecycleXML struct {
	XMLName xml.Name  `xml:"LifecycleConfiguration"`
	Xmlns   string    `xml:"xmlns,attr,omitempty"`
	Rules   []ruleXML `xml:"Rule"`
	Unknown unknown   `xml:",any"`
}

type ruleXML struct {
	ID                    string         `xml:"ID"`
	Prefix                *string        `xml:"Prefix"`
	Filter                *filterXML     `xml:"Filter"`
	Status                string         `xml:"Status"`
	Transitions           []struct{}     `xml:"Transition"`
	Expiration            *expirationXML `xml:"Expiration"`
	NoncurrentTransitions []struct{}     `xml:"NoncurrentVersionTransition"`
	Noncurrent            *noncurrentXML `xml:"NoncurrentVersionExpiration"`
	Abort                 *abortXML      `xml:"AbortIncompleteMultipartUpload"`
	Unknown               unknown        `xml:",any"`
}

// filterXML has one predicate, or And with several.
type filterXML struct {
	predicates
	And *predicates `xml:"And"`
}

type predicates struct {
	Prefix  *string `xml:"Prefix"`
	Tags    Tags    `xml:"Tag"`
	Greater *int64  `xml:"ObjectSizeGreaterThan"`
	Less    *int64  `xml:"ObjectSizeLessThan"`
	Unknown unknown `xml:",any"`
}

type expirationXML struct {
	Date         *string `xml:"Date"`
	Days         *int    `xml:"Days"`
	DeleteMarker *bool   `xml:"ExpiredObjectDeleteMarker"`
	Unknown      unknown `xml:",any"`
}

type noncurrentXML struct {
	Days    *int    `xml:"NoncurrentDays"`
	Keep    *int    `xml:"NewerNoncurrentVersions"`
	Unknown unknown `xml:",any"`
}

type abortXML struct {
	Days    *int    `xml:"DaysAfterInitiation"`
	Unknown unknown `xml:",any"`
}

func (in *ruleXML) hasUnknown() bool {
	all := []unknown{in.Unknown}
	if in.Filter != nil {
		all = append(all, in.Filter.Unknown)
	}
	if in.Filter != nil && in.Filter.And != nil {
		all = append(all, in.Filter.And.Unknown)
	}
	if in.Expiration != nil {
		all = append(all, in.Expiration.Unknown)
	}
	if in.Noncurrent != nil {
		all = append(all, in.Noncurrent.Unknown)
	}
	if in.Abort != nil {
		all = append(all, in.Abort.Unknown)
	}
	return allKnown(all...) != nil
}

func (f *predicates) count() int {
	return countSet(f.Prefix != nil, f.Greater != nil, f.Less != nil) + len(f.Tags)
}

// flat gives the predicates, wherever they stand; not ok if they stand in a place
// where they should not.
func (f *filterXML) flat() (*predicates, bool) {
	if f.And != nil {
		return f.And, f.count() == 0 && f.And.count() > 0
	}
	return &f.predicates, f.count() <= 1
}

func ruleToXML(r *Rule) ruleXML {
	out := ruleXML{ID: r.ID, Status: "Disabled"}
	if r.Bare {
		out.Prefix = &r.Prefix
	} else {
		out.Filter = filterToXML(r)
	}
	if r.Enabled {
		out.Status = "Enabled"
	}
	switch {
	case r.ExpireAfterDays > 0:
		out.Expiration = &expirationXML{Days: &r.ExpireAfterDays}
	case !r.ExpireAt.IsZero():
		date := r.ExpireAt.UTC().Format("2006-01-02T15:04:05.000Z")
		out.Expiration = &expirationXML{Date: &date}
	case r.ExpireDeleteMarkers:
		out.Expiration = &expirationXML{DeleteMarker: &r.ExpireDeleteMarkers}
	}
	if r.NoncurrentDays > 0 {
		out.Noncurrent = &noncurrentXML{Days: &r.NoncurrentDays}
		if r.KeepNewer > 0 {
			out.Noncurrent.Keep = &r.KeepNewer
		}
	}
	if r.AbortDays > 0 {
		out.Abort = &abortXML{Days: &r.AbortDays}
	}
	return out
}

func filterToXML(r *Rule) *filterXML {
	p := predicates{Tags: r.Tags}
	if r.MinSize > 0 {
		greater := r.MinSize - 1
		p.Greater = &greater
	}
	if r.SizeBelow > 0 {
		p.Less = &r.SizeBelow
	}
	if r.Prefix != "" || p.count() == 0 {
		p.Prefix = &r.Prefix
	}
	if p.count() > 1 {
		return &filterXML{And: &p}
	}
	return &filterXML{predicates: p}
}
