package access

import (
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// FuzzPolicy: whatever is accepted can be evaluated, and means the same when it is
// read again.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Allow","Principal":{"AWS":["alice"]},"Action":"s3:Get*","Resource":"arn:aws:s3:::photos/${aws:username}/*","Condition":{"StringLikeIfExists":{"aws:Referer":["a*","${aws:userid, 'x'}"]},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Null":{"s3:prefix":true}}}]}`))
	f.Add([]byte(`{"Statement":{"Effect":"Deny","NotPrincipal":{"CanonicalUser":"b0b"},"NotAction":"*","NotResource":"arn:aws:s3:::photos*","Condition":{"ForAnyValue:NumericLessThan":{"s3:max-keys":1e3},"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}}}`))
	r := &Request{Bucket: "photos", Key: "alice/x", Principal: alice, Time: time.Unix(1e9, 0), SourceIP: netip.MustParseAddr("10.0.0.1"),
		Header: http.Header{"Referer": {"abc\xff"}}, RequestTags: Tags{{"a", "b"}}}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := ParsePolicy("photos", doc, nil)
		if err != nil {
			return
		}
		again, err := ParsePolicy("photos", doc, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range Ops() {
			for _, action := range operations[op].actions {
				if p.Evaluate(action, r) != again.Evaluate(action, r) {
					t.Errorf("%s: two answers", action)
				}
			}
		}
	})
}

// roundTrip checks that what is read and written is read as the same.
func roundTrip[T any](t *testing.T, doc []byte, read func([]byte) (T, error), write func(T) []byte) {
	v, err := read(doc)
	if err != nil {
		return
	}
	out := write(v)
	again, err := read(out)
	if err != nil {
		t.Fatalf("what was written is refused: %v\n%s", err, out)
	}
	if !reflect.DeepEqual(v, again) {
		t.Fatalf("%+v became %+v\n%s", v, again, out)
	}
}

// FuzzXML gives every document to every reader.
func FuzzXML(f *testing.F) {
	anyone := func(id string) (string, bool) { return "name of " + id, true }
	acl, err := Canned("public-read", "a11ce", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(acl.XML(anyone))
	f.Add([]byte(corsExample))
	f.Add(Tags{{"k", "v"}, {"é", ""}}.XML())
	f.Add(LifecycleXML([]Rule{
		{ID: "a", Enabled: true, Prefix: "p", Tags: Tags{{"k", "v"}}, MinSize: 5, SizeBelow: 9, ExpireAt: time.Unix(0, 0).UTC()},
		{ID: "b", ExpireAfterDays: 1, NoncurrentDays: 2, KeepNewer: 3, AbortDays: 4},
		{ID: "c", ExpireDeleteMarkers: true},
	}))
	f.Fuzz(func(t *testing.T, doc []byte) {
		roundTrip(t, doc, func(b []byte) (*ACL, error) { return ParseACL(b, "a11ce", anyone) },
			func(a *ACL) []byte { return a.XML(anyone) })
		roundTrip(t, doc, ParseCORS, (*CORS).XML)
		roundTrip(t, doc, func(b []byte) (Tags, error) { return ParseTagging(b, MaxBucketTags) }, Tags.XML)
		roundTrip(t, doc, ParseLifecycle, LifecycleXML)
	})
}

// FuzzHeaders gives text to the readers of headers and of the stored form.
func FuzzHeaders(f *testing.F) {
	f.Add(`id="a", uri="http://acs.amazonaws.com/groups/global/AllUsers"`)
	f.Add("a=b&c=%20&d")
	f.Add(`{"v":1,"o":"x","g":[{"u":"AllUsers","p":1}]}`)
	anyone := func(string) (string, bool) { return "", true }
	f.Fuzz(func(t *testing.T, s string) {
		roundTrip(t, []byte(s), func(b []byte) (Tags, error) { return ParseTagHeader(string(b)) },
			func(ts Tags) []byte { return []byte(ts.Encode()) })
		roundTrip(t, []byte(s), DecodeACL, (*ACL).Encode)
		_, _ = FromHeaders(http.Header{"X-Amz-Grant-Read": {s}}, "o", "b", anyone)
	})
}
