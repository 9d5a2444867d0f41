package access

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Limits of tag sets ("Object tagging", S3 user guide).
const (
	MaxObjectTags = 10
	MaxBucketTags = 50
	maxTagKey     = 128 // characters
	maxTagValue   = 256
)

// Tag is a label of a bucket or an object.
type Tag struct {
	Key, Value string
}

// Tags is a tag set, in the order in which it was set.
type Tags []Tag

// get is the value of a tag, or nothing.
func (ts Tags) get(key string) []string {
	for _, t := range ts {
		if t.Key == key {
			return []string{t.Value}
		}
	}
	return nil
}

// taggingIn is Tagging as it is read: every part must be there.
type taggingIn struct {
	XMLName xml.Name `xml:"Tagging"`
	Set     *struct {
		Tags []struct {
			Key     *string
			Value   *string
			Unknown unknown `xml:",any"`
		} `xml:"Tag"`
		Unknown unknown `xml:",any"`
	} `xml:"TagSet"`
	Unknown unknown `xml:",any"`
}

// taggingOut is Tagging as it is written.
type taggingOut struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr"`
	Set     struct {
		Tags Tags `xml:"Tag"`
	} `xml:"TagSet"`
}

// ParseTagging reads Tagging ("PutObjectTagging", S3 API reference). limit is
// MaxObjectTags or MaxBucketTags.
func ParseTagging(doc []byte, limit int) (Tags, error) {
	var in taggingIn
	if err := readXML(doc, &in); err != nil {
		return nil, s3err.Wrap(s3err.MalformedXML, err)
	}
	if in.Set == nil || allKnown(in.Unknown, in.Set.Unknown) != nil {
		return nil, s3err.New(s3err.MalformedXML)
	}
	tags := make(Tags, 0, min(len(in.Set.Tags), MaxBucketTags))
	for _, t := range in.Set.Tags {
		if t.Key == nil || t.Value == nil || len(t.Unknown) > 0 {
			return nil, s3err.New(s3err.MalformedXML)
		}
		tags = append(tags, Tag{*t.Key, *t.Value})
	}
	return tags, tags.check(limit)
}

// ParseTagHeader reads x-amz-tagging, the tags of an object as the query of a URL.
func ParseTagHeader(s string) (Tags, error) {
	var tags Tags
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		if len(tags) > MaxObjectTags {
			break // too many already, however long the header is
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err != nil || err2 != nil || tags.get(key) != nil {
			return nil, badArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", s)
		}
		tags = append(tags, Tag{key, value})
	}
	return tags, tags.check(MaxObjectTags)
}

// Encode is the tag set in the form of the header, which keeps its order.
func (ts Tags) Encode() string {
	pairs := make([]string, len(ts))
	for i, t := range ts {
		pairs[i] = url.QueryEscape(t.Key) + "=" + url.QueryEscape(t.Value)
	}
	return strings.Join(pairs, "&")
}

// XML is Tagging ("GetObjectTagging", S3 API reference).
func (ts Tags) XML() []byte {
	out := taggingOut{Xmlns: xmlns}
	out.Set.Tags = ts
	return writeXML(out)
}

func (ts Tags) check(limit int) error {
	if len(ts) > limit && limit == MaxObjectTags {
		return s3err.Errorf(s3err.BadRequest, "Object tags cannot be greater than %d", limit)
	}
	if len(ts) > limit {
		return s3err.Errorf(s3err.BadRequest, "Bucket tag count cannot be greater than %d", limit)
	}
	for i, t := range ts {
		if err := t.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(ts[:i], func(o Tag) bool { return o.Key == t.Key }) {
			return s3err.Errorf(s3err.InvalidTag, "Cannot provide multiple Tags with the same key").With("TagKey", t.Key)
		}
	}
	return nil
}

func (t Tag) check() error {
	switch {
	case t.Key == "" || !tagText(t.Key, maxTagKey):
		return s3err.Errorf(s3err.InvalidTag, "The TagKey you have provided is invalid").With("TagKey", t.Key)
	case !tagText(t.Value, maxTagValue):
		return s3err.Errorf(s3err.InvalidTag, "The TagValue you have provided is invalid").With("TagKey", t.Key).With("TagValue", t.Value)
	case strings.HasPrefix(lower(t.Key), "aws:"):
		return s3err.Errorf(s3err.InvalidTag, "System tags cannot be added/updated by requester")
	}
	return nil
}

// tagText is at most so many letters, digits, spaces and + - = . _ : / @.
func tagText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.In(r, unicode.Z) &&
				!strings.ContainsRune("+-=._:/@", r)
		})
}
