package access

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func TestTags(t *testing.T) {
	const doc = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>Project x</Key><Value>a+b=c &amp; co</Value></Tag><Tag><Key>größe</Key><Value></Value></Tag></TagSet></Tagging>`
	want := Tags{{"Project x", "a+b=c  co"}, {"größe", ""}}
	clean := strings.Replace(doc, "&amp; ", " ", 1)
	tags, err := ParseTagging([]byte(clean), MaxObjectTags)
	if err != nil || !reflect.DeepEqual(tags, want) {
		t.Errorf("%q, %v", tags, err)
	}
	if got := string(tags.XML()); got != clean {
		t.Errorf("written back: %s", got)
	}
	if _, err := ParseTagging([]byte(doc), MaxObjectTags); !errors.Is(err, s3err.InvalidTag) {
		t.Errorf("an ampersand: %v", err)
	}
	if tags, err := ParseTagHeader(want.Encode()); err != nil || !reflect.DeepEqual(tags, want) {
		t.Errorf("header: %q, %v", tags, err)
	}
	if tags, err := ParseTagging([]byte("<Tagging><TagSet/></Tagging>"), MaxObjectTags); err != nil || len(tags) != 0 {
		t.Errorf("none: %q, %v", tags, err)
	}
	if tags, err := ParseTagHeader(""); err != nil || len(tags) != 0 {
		t.Errorf("empty header: %q, %v", tags, err)
	}
	if got := string(Tags(nil).XML()); !strings.HasSuffix(got, "<TagSet></TagSet></Tagging>") {
		t.Errorf("none as XML: %s", got)
	}
}

// TestTagLimits asks each limit at both sides, in both forms.
func TestTagLimits(t *testing.T) {
	count := func(n int) (ts Tags) {
		for i := range n {
			ts = append(ts, Tag{fmt.Sprint("k", i), ""})
		}
		return ts
	}
	for _, tt := range []struct {
		tags  Tags
		limit int
		want  string
	}{
		{count(10), MaxObjectTags, ""},
		{count(11), MaxObjectTags, "BadRequest: Object tags cannot be greater than 10"},
		{count(50), MaxBucketTags, ""},
		{count(51), MaxBucketTags, "BadRequest: Bucket tag count"},
		{Tags{{strings.Repeat("é", 128), strings.Repeat("é", 256)}}, MaxObjectTags, ""},
		{Tags{{strings.Repeat("é", 129), ""}}, MaxObjectTags, "InvalidTag: The TagKey you have provided is invalid"},
		{Tags{{"k", strings.Repeat("é", 257)}}, MaxObjectTags, "InvalidTag: The TagValue you have provided is invalid"},
		{Tags{{"", "v"}}, MaxObjectTags, "InvalidTag: The TagKey"},
		{Tags{{"k*", "v"}}, MaxObjectTags, "InvalidTag: The TagKey"},
		{Tags{{"AWS:k", "v"}}, MaxObjectTags, "InvalidTag: System tags"},
		{Tags{{"a+-=._:/@ 1", "a+-=._:/@ 1"}, {"k", ""}}, MaxObjectTags, ""},
		{Tags{{"k", "1"}, {"k", "2"}}, MaxObjectTags, "InvalidTag: Cannot provide multiple Tags with the same key"},
	} {
		_, err := ParseTagging(tt.tags.XML(), tt.limit)
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("XML of %.60v: %v, want %s", tt.tags, err, tt.want)
		}
		if tt.limit == MaxBucketTags || strings.HasSuffix(tt.want, "same key") {
			continue
		}
		_, err = ParseTagHeader(tt.tags.Encode())
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("header of %.60v: %v, want %s", tt.tags, err, tt.want)
		}
	}
	for _, header := range []string{"k=1&k=2", "k=%zz", "%"} {
		if _, err := ParseTagHeader(header); !errors.Is(err, s3err.InvalidArgument) {
			t.Errorf("%q: %v", header, err)
		}
	}
	if _, err := ParseTagHeader("k=" + url.QueryEscape("\xff")); !errors.Is(err, s3err.InvalidTag) {
		t.Errorf("not UTF-8: %v", err)
	}
	for _, doc := range []string{"", "<Tagging/>", "<TagSet/>", "<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
		"<Tagging><TagSet><Tag><Key>k</Key><Value/><X/></Tag></TagSet></Tagging>", "<Tagging><TagSet/></Tagging>x", "<Tagging><TagSet/><X/></Tagging>"} {
		if _, err := ParseTagging([]byte(doc), MaxObjectTags); !errors.Is(err, s3err.MalformedXML) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}
