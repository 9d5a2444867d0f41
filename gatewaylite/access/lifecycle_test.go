package access

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestLifecycle reads rules like those of the S3 user guide ("Examples of S3 Lifecycle
// configurations"), and what is written of them.
func TestLifecycle(t *testing.T) {
	const doc = `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Rule><ID>logs</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Days>365</Days></Expiration></Rule>
  <Rule><ID>all</ID><Filter/><Status>Disabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>
    <NoncurrentVersionExpiration><NewerNoncurrentVersions>5</NewerNoncurrentVersions><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration>
    <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
  <Rule><ID>and</ID><Filter><And><Prefix>tmp/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag>
    <ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>500</ObjectSizeLessThan></And></Filter>
    <Status>Enabled</Status><Expiration><Date>2027-01-01T00:00:00.000Z</Date></Expiration></Rule>
  <Rule><ID>tag</ID><Filter><Tag><Key>a</Key><Value></Value></Tag></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>
</LifecycleConfiguration>`
	want := []Rule{
		{ID: "logs", Enabled: true, Prefix: "logs/", Bare: true, ExpireAfterDays: 365},
		{ID: "all", ExpireDeleteMarkers: true, NoncurrentDays: 30, KeepNewer: 5, AbortDays: 7},
		{ID: "and", Enabled: true, Prefix: "tmp/", Tags: Tags{{"a", "1"}, {"b", "2"}}, MinSize: 1, SizeBelow: 500,
			ExpireAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{ID: "tag", Enabled: true, Tags: Tags{{"a", ""}}, ExpireAfterDays: 1},
	}
	rules, err := ParseLifecycle([]byte(doc))
	if err != nil || !reflect.DeepEqual(rules, want) {
		t.Fatalf("%+v, %v", rules, err)
	}
	out := string(LifecycleXML(rules))
	for _, part := range []string{
		`<Rule><ID>logs</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Days>365</Days></Expiration></Rule>`,
		`<Rule><ID>all</ID><Filter><Prefix></Prefix></Filter><Status>Disabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays><NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`,
		`<Filter><And><Prefix>tmp/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>500</ObjectSizeLessThan></And></Filter>`,
		`<Date>2027-01-01T00:00:00.000Z</Date>`,
		`<Filter><Tag><Key>a</Key><Value></Value></Tag></Filter>`,
	} {
		if !strings.Contains(out, part) {
			t.Errorf("no %s in\n%s", part, out)
		}
	}
	if back, err := ParseLifecycle([]byte(out)); err != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("read back: %+v, %v", back, err)
	}
}

func TestMalformedLifecycle(t *testing.T) {
	rule := func(s string) string { return "<Rule><Status>Enabled</Status>" + s + "</Rule>" }
	filter := func(s string) string { return "<Filter>" + s + "</Filter>" }
	const (
		expire = "<Expiration><Days>1</Days></Expiration>"
		abort  = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
		marker = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
		tag    = "<Tag><Key>a</Key><Value>b</Value></Tag>"
		all    = "<Filter/>"
	)
	for rules, want := range map[string]string{
		``: "MalformedXML",
		strings.Repeat(rule(all+expire), MaxLifecycleRules+1): "MalformedXML",
		`<Rule><Filter/>` + expire + `</Rule>`:                "MalformedXML",
		rule(expire):                                          "MalformedXML",
		rule(all + "<Prefix/>" + expire):                      "MalformedXML",
		rule(all + expire + "<Foo/>"):                         "MalformedXML",
		rule(filter("<Foo/>") + expire):                       "MalformedXML",
		rule(filter("<Prefix>a</Prefix>"+tag) + expire):       "MalformedXML",
		rule(filter(tag+tag) + expire):                        "MalformedXML",
		rule(filter("<And></And>") + expire):                  "MalformedXML",
		rule(filter("<And>"+tag+tag+"</And>") + expire):       "InvalidTag",
		rule(all + "<Expiration></Expiration>"):               "MalformedXML",
		rule(all + "<Expiration><Days>1</Days><Date>2027-01-01T00:00:00Z</Date></Expiration>"): "MalformedXML",
		rule(all + "<Expiration><Days>x</Days></Expiration>"):                                  "MalformedXML",
		rule(all + "<Expiration><Days>0</Days></Expiration>"):                                  "InvalidArgument: 'Days' for Expiration action must be a positive integer",
		rule(all + "<Expiration><Days>-1</Days></Expiration>"):                                 "InvalidArgument: 'Days'",
		rule(all + "<Expiration><Days>3000000000</Days></Expiration>"):                         "InvalidArgument: 'Days'",
		rule(all + "<Expiration><Date>2027-01-01T01:00:00Z</Date></Expiration>"):               "InvalidArgument: 'Date' must be at midnight GMT",
		rule(all + "<Expiration><Date>tomorrow</Date></Expiration>"):                           "MalformedXML",
		rule(all): "InvalidRequest: At least one action needs to be specified in a rule",
		rule(all + "<NoncurrentVersionExpiration/>"):                                                                                                                      "MalformedXML",
		rule(all + "<NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>"):                                                       "InvalidArgument: 'NoncurrentDays'",
		rule(all + "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>101</NewerNoncurrentVersions></NoncurrentVersionExpiration>"): "InvalidArgument: 'NewerNoncurrentVersions'",
		rule(all + "<AbortIncompleteMultipartUpload/>"):                                                                                                                   "MalformedXML",
		rule(all + strings.ReplaceAll(abort, "1", "0")):                                                                                                                   "InvalidArgument: 'DaysAfterInitiation'",
		rule(filter(tag) + abort):  "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Tags",
		rule(filter(tag) + marker): "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Tags",
		rule(filter("<ObjectSizeLessThan>9</ObjectSizeLessThan>") + abort):                                                              "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Object Size",
		rule(filter("<ObjectSizeGreaterThan>9</ObjectSizeGreaterThan>") + marker):                                                       "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Object Size",
		rule(filter("<ObjectSizeLessThan>0</ObjectSizeLessThan>") + expire):                                                             "InvalidArgument: 'ObjectSizeLessThan'",
		rule(filter("<ObjectSizeGreaterThan>-1</ObjectSizeGreaterThan>") + expire):                                                      "InvalidArgument: 'ObjectSizeGreaterThan'",
		rule(filter("<And><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan><ObjectSizeLessThan>10</ObjectSizeLessThan></And>") + expire): "InvalidRequest: 'ObjectSizeLessThan' must be",
		rule(filter("<Prefix>"+strings.Repeat("x", 1025)+"</Prefix>") + expire):                                                         "InvalidRequest: The maximum size of a prefix is 1024",
		rule(all + expire + "<ID>" + strings.Repeat("x", 256) + "</ID>"):                                                                "InvalidArgument: ID length should not exceed allowed limit of 255",
		strings.Repeat(rule(all+expire+"<ID>x</ID>"), 2):                                                                                "InvalidArgument: Rule ID must be unique.",
		rule(all + expire + "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"):                              "NotImplemented",
		rule(all + "<NoncurrentVersionTransition/>"):                                                                                    "NotImplemented",
	} {
		if _, err := ParseLifecycle([]byte("<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>")); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.300s: %v, want %s", rules, err, want)
		}
	}
	named, err := ParseLifecycle([]byte("<LifecycleConfiguration>" + strings.Repeat(rule(all+expire), MaxLifecycleRules) + "</LifecycleConfiguration>"))
	if err != nil || named[0].ID == "" || named[0].ID == named[1].ID {
		t.Errorf("rules without an id: %v", err)
	}
}
