package access

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func testUsers(id string) (string, bool) {
	name, ok := map[string]string{"a11ce": "alice", "b0b": "bob"}[id]
	return name, ok
}

const aclHead = `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>a11ce</ID><DisplayName>alice</DisplayName></Owner><AccessControlList>`

// TestCannedXML has each canned ACL as XML, and back, and as it is stored.
func TestCannedXML(t *testing.T) {
	user := func(id, name, permission string) string {
		return fmt.Sprintf(`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>%s</ID><DisplayName>%s</DisplayName></Grantee><Permission>%s</Permission></Grant>`, id, name, permission)
	}
	group := func(name, permission string) string {
		return fmt.Sprintf(`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/%s</URI></Grantee><Permission>%s</Permission></Grant>`, name, permission)
	}
	for name, grants := range map[string]string{
		"private":                   "",
		"aws-exec-read":             "",
		"public-read":               group("global/AllUsers", "READ"),
		"public-read-write":         group("global/AllUsers", "READ") + group("global/AllUsers", "WRITE"),
		"authenticated-read":        group("global/AuthenticatedUsers", "READ"),
		"bucket-owner-read":         user("b0b", "bob", "READ"),
		"bucket-owner-full-control": user("b0b", "bob", "FULL_CONTROL"),
		"log-delivery-write":        group("s3/LogDelivery", "WRITE") + group("s3/LogDelivery", "READ_ACP"),
	} {
		bucketOwner := "b0b"
		if name == "log-delivery-write" {
			bucketOwner = ""
		}
		acl := canned(t, name, "a11ce", bucketOwner)
		want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + aclHead + user("a11ce", "alice", "FULL_CONTROL") + grants + `</AccessControlList></AccessControlPolicy>`
		if got := string(acl.XML(testUsers)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		if back, err := ParseACL(acl.XML(testUsers), "a11ce", testUsers); err != nil || !reflect.DeepEqual(back, acl) {
			t.Errorf("%s: read back %+v, %v", name, back, err)
		}
		if back, err := DecodeACL(acl.Encode()); err != nil || !reflect.DeepEqual(back, acl) {
			t.Errorf("%s: decoded %+v, %v", name, back, err)
		}
		if !slices.Contains(CannedNames(), name) {
			t.Errorf("%s is not among the names", name)
		}
	}
	if n := len(canned(t, "bucket-owner-full-control", "a11ce", "a11ce").Grants); n != 1 {
		t.Errorf("%d grants to one owner", n)
	}
	for _, name := range []string{"", "Private", "log-delivery-write"} {
		if _, err := Canned(name, "a11ce", "b0b"); !errors.Is(err, s3err.InvalidArgument) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestDecodeACLRefuses(t *testing.T) {
	for _, s := range []string{``, `{}`, `{"v":2,"o":"x"}`, `null`, `{"v":1,"o":"x"`} {
		if acl, err := DecodeACL([]byte(s)); err == nil {
			t.Errorf("%q: %+v", s, acl)
		}
	}
	if got := string(Private("x").Encode()); got != `{"v":1,"o":"x","g":[{"i":"x","p":15}]}` {
		t.Errorf("the stored form changed: %s", got)
	}
}

func TestACLHeaders(t *testing.T) {
	all := "http://acs.amazonaws.com/groups/global/AllUsers"
	h := http.Header{}
	if acl, err := FromHeaders(h, "a11ce", "b0b", testUsers); acl != nil || err != nil || HasACLHeaders(h) {
		t.Errorf("no headers: %v, %v", acl, err)
	}
	h.Set("X-Amz-Grant-Read", `id="a11ce", uri="`+all+`"`)
	h.Set("X-Amz-Grant-Full-Control", `id=b0b`)
	acl, err := FromHeaders(h, "a11ce", "b0b", testUsers)
	want := &ACL{Owner: "a11ce", Grants: []Grant{
		{ID: "b0b", Permission: FullControl}, {ID: "a11ce", Permission: Read}, {Group: AllUsers, Permission: Read}}}
	if err != nil || !reflect.DeepEqual(acl, want) || !HasACLHeaders(h) {
		t.Errorf("%+v, %v", acl, err)
	}
	h.Set("X-Amz-Acl", "private")
	if _, err := FromHeaders(h, "a11ce", "b0b", testUsers); !errors.Is(err, s3err.InvalidRequest) {
		t.Errorf("both kinds: %v", err)
	}
	for value, code := range map[string]s3err.Code{
		``:                                 s3err.InvalidArgument,
		`a11ce`:                            s3err.InvalidArgument,
		`id="nobody"`:                      s3err.InvalidArgument,
		`uri="http://example.com/"`:        s3err.InvalidArgument,
		`name="alice"`:                     s3err.InvalidArgument,
		`id="a11ce",`:                      s3err.InvalidArgument,
		`emailAddress="alice@example.com"`: s3err.UnresolvableGrantByEmailAddress,
		strings.Repeat(`id="a11ce",`, MaxGrants) + `id="a11ce"`: s3err.InvalidRequest,
	} {
		h := http.Header{"X-Amz-Grant-Write": {value}}
		if _, err := FromHeaders(h, "a11ce", "b0b", testUsers); !errors.Is(err, code) {
			t.Errorf("%.40q: %v, want %s", value, err, code)
		}
	}
}

func TestMalformedACLs(t *testing.T) {
	const tail = `</AccessControlList></AccessControlPolicy>`
	grant := func(kind, inner, permission string) string {
		return aclHead + `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="` + kind + `">` + inner + `</Grantee><Permission>` + permission + `</Permission></Grant>` + tail
	}
	one := `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>b0b</ID></Grantee><Permission>READ</Permission></Grant>`
	for doc, code := range map[string]s3err.Code{
		``: s3err.MalformedACLError,
		`<AccessControlPolicy></AccessControlPolicy>`: s3err.MalformedACLError,
		`<Other/>`:                s3err.MalformedACLError,
		aclHead + tail + `<x/>`:   s3err.MalformedACLError,
		aclHead + `<Foo/>` + tail: s3err.MalformedACLError,
		grant("CanonicalUser", "<ID>b0b</ID>", "read"):                             s3err.MalformedACLError,
		grant("CanonicalUser", "<URI>b0b</URI>", "READ"):                           s3err.MalformedACLError,
		grant("User", "<ID>b0b</ID>", "READ"):                                      s3err.MalformedACLError,
		grant("CanonicalUser", "<ID>x</ID>", "READ"):                               s3err.InvalidArgument,
		grant("Group", "<URI>x</URI>", "READ"):                                     s3err.InvalidArgument,
		grant("AmazonCustomerByEmail", "<EmailAddress>a@b</EmailAddress>", "READ"): s3err.UnresolvableGrantByEmailAddress,
		strings.Replace(aclHead, "<ID>a11ce", "<ID>b0b", 1) + tail:                 s3err.AccessDenied,
		aclHead + strings.Repeat(one, MaxGrants+1) + tail:                          s3err.InvalidRequest,
		aclHead + tail + strings.Repeat(" ", maxXML):                               s3err.MalformedACLError,
	} {
		if _, err := ParseACL([]byte(doc), "a11ce", testUsers); !errors.Is(err, code) {
			t.Errorf("%.300s: %v, want %s", doc, err, code)
		}
	}
	if acl, err := ParseACL([]byte(aclHead+strings.Repeat(one, MaxGrants)+tail), "a11ce", testUsers); err != nil || len(acl.Grants) != MaxGrants {
		t.Error(err)
	}
}
