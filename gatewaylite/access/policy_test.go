package access

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func mustPolicy(t *testing.T, doc string) *Policy {
	t.Helper()
	p, err := ParsePolicy("photos", []byte(doc), nil)
	if err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return p
}

var (
	alice = Principal{Name: "alice", CanonicalID: "a11ce"}
	bob   = Principal{Name: "bob", CanonicalID: "b0b"}
)

// TestPolicyExamples holds requests against the example policies of the S3 and IAM
// user guides.
func TestPolicyExamples(t *testing.T) {
	const (
		public  = `{"Version":"2012-10-17","Statement":[{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws:s3:::photos/*"]}]}`
		byIP    = `{"Version":"2012-10-17","Id":"S3PolicyId1","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"],"Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8:1234::/48"]}}}}`
		onlyTLS = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
		referer = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*","Condition":{"StringLike":{"aws:Referer":["http://www.example.com/*","http://example.com/*"]}}}]}`
		home    = `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/alice","bob"]},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::photos","Condition":{"StringLike":{"s3:prefix":["home/${aws:username}/*"]},"StringEquals":{"s3:delimiter":"/"}}},
			{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::photos/home/${aws:username}/*"}]}`
		fullControl = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"CanonicalUser":"b0b"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::photos/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`
		secret      = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::cairn:user/alice"},"NotAction":"s3:List*","Resource":"arn:aws:s3:::photos*","Condition":{"StringEquals":{"s3:ExistingObjectTag/Class":"secret"}}}]}`
		maxKeys     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::photos","Condition":{"NumericLessThanEquals":{"s3:max-keys":10}}}]}`
		old         = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/${aws:username}"}]}`
	)
	get, put, ls := "s3:GetObject", "s3:PutObject", "s3:ListBucket"
	query := func(pairs ...string) url.Values {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return q
	}
	for i, tt := range []struct {
		policy, action string
		r              Request
		want           Decision
	}{
		{public, get, Request{Principal: Nobody, Key: "a/b"}, Allow},
		{public, "S3:getobject", Request{Principal: alice, Key: "a"}, Allow},
		{public, put, Request{Principal: alice, Key: "a"}, None},
		{public, get, Request{Principal: alice}, None},
		{byIP, get, Request{SourceIP: netip.MustParseAddr("192.0.2.7"), Key: "a"}, None},
		{byIP, get, Request{SourceIP: netip.MustParseAddr("::ffff:192.0.2.7"), Key: "a"}, None},
		{byIP, get, Request{SourceIP: netip.MustParseAddr("192.0.3.7"), Key: "a"}, Deny},
		{byIP, ls, Request{SourceIP: netip.MustParseAddr("2001:db8:1234::1")}, None},
		{byIP, ls, Request{SourceIP: netip.MustParseAddr("2001:db8:1235::1")}, Deny},
		{byIP, ls, Request{}, Deny},
		{onlyTLS, get, Request{Principal: alice, Key: "a"}, Deny},
		{onlyTLS, get, Request{Principal: alice, Key: "a", Secure: true}, None},
		{referer, get, Request{Key: "a", Header: http.Header{"Referer": {"http://example.com/x"}}}, Allow},
		{referer, get, Request{Key: "a", Header: http.Header{"Referer": {"http://example.org/x"}}}, None},
		{referer, get, Request{Key: "a"}, None},
		{home, ls, Request{Principal: alice, Query: query("prefix", "home/alice/x", "delimiter", "/")}, Allow},
		{home, ls, Request{Principal: alice, Query: query("prefix", "home/bob/x", "delimiter", "/")}, None},
		{home, ls, Request{Principal: alice, Query: query("prefix", "home/alice/x")}, None},
		{home, put, Request{Principal: bob, Key: "home/bob/x"}, Allow},
		{home, put, Request{Principal: bob, Key: "home/alice/x"}, None},
		{home, put, Request{Principal: Principal{Name: "*", CanonicalID: "x"}, Key: "home/alice/x"}, None},
		{home, put, Request{Principal: Nobody, Key: "home//x"}, None},
		{fullControl, put, Request{Principal: bob, Key: "a", Header: http.Header{"X-Amz-Acl": {"bucket-owner-full-control"}}}, Allow},
		{fullControl, put, Request{Principal: bob, Key: "a"}, None},
		{secret, get, Request{Principal: bob, Key: "a", ExistingTags: Tags{{"Class", "secret"}}}, Deny},
		{secret, get, Request{Principal: Nobody, Key: "a", ExistingTags: Tags{{"Class", "secret"}}}, Deny},
		{secret, get, Request{Principal: alice, Key: "a", ExistingTags: Tags{{"Class", "secret"}}}, None},
		{secret, ls, Request{Principal: bob, ExistingTags: Tags{{"Class", "secret"}}}, None},
		{secret, get, Request{Principal: bob, Key: "a", ExistingTags: Tags{{"class", "secret"}}}, None},
		{maxKeys, ls, Request{Query: query("max-keys", "10")}, Allow},
		{maxKeys, ls, Request{Query: query("max-keys", "11")}, None},
		{maxKeys, ls, Request{Query: query("max-keys", "Inf")}, None},
		{maxKeys, ls, Request{}, None},
		{old, get, Request{Principal: alice, Key: "alice"}, None},
		{old, get, Request{Principal: alice, Key: "${aws:username}"}, Allow},
	} {
		tt.r.Bucket = "photos"
		if got := mustPolicy(t, tt.policy).Evaluate(tt.action, &tt.r); got != tt.want {
			t.Errorf("%d: %s %q by %s: got %v, want %v", i, tt.action, tt.r.Key, tt.r.Principal.Name, got, tt.want)
		}
	}
}

// TestConditions has the operators with present, missing and many values ("condition
// operators", "set operators", IAM user guide).
func TestConditions(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := &Request{
		Bucket: "photos", Key: "a", Principal: alice, Time: now, Secure: true,
		SourceIP: netip.MustParseAddr("10.1.2.3"),
		Header:   http.Header{"User-Agent": {"curl/8"}, "X-Amz-Copy-Source": {"/src/p%61th/x?versionId=1"}},
		AuthType: "REST-HEADER", SignatureVersion: "AWS4-HMAC-SHA256", SignatureAge: 5 * time.Second,
		RequestTags: Tags{{"k1", "v1"}, {"k2", "v2"}},
	}
	for condition, want := range map[string]bool{
		`"StringEquals":{"AWS:UserName":"alice"}`:                                                   true,
		`"StringEquals":{"aws:username":"Alice"}`:                                                   false,
		`"StringEqualsIgnoreCase":{"aws:username":"Alice"}`:                                         true,
		`"StringNotEqualsIgnoreCase":{"aws:username":"Alice"}`:                                      false,
		`"StringEquals":{"aws:username":["x","alice"]}`:                                             true,
		`"StringNotEquals":{"aws:username":["x","alice"]}`:                                          false,
		`"StringEquals":{"aws:username":"al*"}`:                                                     false,
		`"StringLike":{"aws:username":"al?c*"}`:                                                     true,
		`"StringNotLike":{"aws:username":"al?c*"}`:                                                  false,
		`"StringLike":{"aws:username":"${*}"}`:                                                      false,
		`"StringEquals":{"aws:referer":"x"}`:                                                        false,
		`"StringNotEquals":{"aws:referer":"x"}`:                                                     true,
		`"StringEqualsIfExists":{"aws:referer":"x"}`:                                                true,
		`"StringEqualsIfExists":{"aws:username":"x"}`:                                               false,
		`"StringEquals":{"aws:username":"alice","aws:referer":"x"}`:                                 false,
		`"StringEquals":{"aws:username":"alice"},"Bool":{"aws:SecureTransport":true}`:               true,
		`"Bool":{"aws:SecureTransport":"FALSE"}`:                                                    false,
		`"Null":{"aws:referer":"true"}`:                                                             true,
		`"Null":{"aws:referer":false}`:                                                              false,
		`"Null":{"aws:username":"false"}`:                                                           true,
		`"DateGreaterThan":{"aws:CurrentTime":"2026-03-01T11:59:59Z"}`:                              true,
		`"DateLessThan":{"aws:CurrentTime":"2026-03-01"}`:                                           false,
		`"DateEquals":{"aws:EpochTime":"2026-03-01T12:00:00Z"}`:                                     true,
		`"DateLessThanEquals":{"aws:EpochTime":"1772366400"}`:                                       true,
		`"NumericLessThan":{"s3:signatureAge":"5000"}`:                                              false,
		`"NumericGreaterThanEquals":{"s3:signatureAge":4999.5}`:                                     true,
		`"NumericNotEquals":{"s3:max-keys":"1"}`:                                                    true,
		`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                                                 true,
		`"IpAddress":{"aws:SourceIp":"10.1.2.3"}`:                                                   true,
		`"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}`:                           false,
		`"StringLike":{"s3:x-amz-copy-source":"src/path/*"}`:                                        true,
		`"StringEquals":{"s3:RequestObjectTag/k1":"v1"}`:                                            true,
		`"StringEquals":{"s3:RequestObjectTag/K1":"v1"}`:                                            false,
		`"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["k1","k2","k3"]}`:                  true,
		`"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["k1"]}`:                            false,
		`"ForAllValues:StringNotEquals":{"s3:RequestObjectTagKeys":["k1"]}`:                         false,
		`"ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["k1","zz"]}`:                        true,
		`"ForAnyValue:StringNotEquals":{"s3:RequestObjectTagKeys":["k1"]}`:                          true,
		`"ForAllValues:StringEquals":{"aws:referer":"x"}`:                                           true,
		`"ForAnyValue:StringEquals":{"aws:referer":"x"}`:                                            false,
		`"ForAnyValue:StringNotEquals":{"aws:referer":"x"}`:                                         false,
		`"StringEquals":{"s3:authType":"REST-HEADER","s3:signatureversion":"AWS4-HMAC-SHA256"}`:     true,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"}`:                                   true,
		`"ArnLike":{"aws:PrincipalArn":"arn:*:user/alice"}`:                                         false,
		`"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::cairn:user/bob"}`:                         true,
		`"StringEquals":{"aws:username":"${aws:referer, 'alice'}"}`:                                 true,
		`"StringEquals":{"aws:username":"${aws:referer}"}`:                                          false,
		`"StringEquals":{"aws:principaltype":"User","aws:userid":"a11ce","aws:UserAgent":"curl/8"}`: true,
	} {
		doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::photos*","Condition":{` + condition + `}}]}`
		if got := mustPolicy(t, doc).Evaluate("s3:GetObject", r) == Allow; got != want {
			t.Errorf("%s: got %v", condition, got)
		}
	}
}

// TestMalformedPolicies: what is wrong is refused, and the words say what it is.
func TestMalformedPolicies(t *testing.T) {
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[{` + s + `}]}` }
	const (
		who  = `"Effect":"Allow","Principal":"*",`
		rest = `"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"`
	)
	users := func(s string) bool { return s == "alice" || s == "a11ce" }
	for doc, words := range map[string]string{
		``:                         "valid JSON",
		` {}`:                      "first byte",
		`[]`:                       "first byte",
		statement(who+rest) + `}`:  "valid JSON",
		`{"Version":"2012-10-17"}`: "Missing required field Statement",
		`{"Version":"2012-10-17","Statement":[]}`:                                                        "Missing required field Statement",
		`{"Version":"2012-10-17","Statement":["x"]}`:                                                     "must be an object",
		`{"Version":"2013-10-17","Statement":[{` + who + rest + `}]}`:                                    "valid version",
		`{"Version":20121017,"Statement":[{` + who + rest + `}]}`:                                        "must be a string",
		`{"Id":"a","Id":"b","Statement":[{` + who + rest + `}]}`:                                         "Duplicate field Id",
		`{"Foo":"a","Statement":[{` + who + rest + `}]}`:                                                 "Unknown field Foo",
		statement(who + rest + `,"Resources":"x"`):                                                       "Unknown field Resources",
		statement(who + rest + `,"Sid":null`):                                                            "must be a string",
		statement(`"Effect":"allow","Principal":"*",` + rest):                                            "Invalid effect: allow",
		statement(`"Principal":"*",` + rest):                                                             "Missing required field Effect",
		statement(`"Effect":"Allow",` + rest):                                                            "Missing required field Principal",
		statement(`"Effect":"Allow","Principal":{},` + rest):                                             "Principal cannot be empty",
		statement(`"Effect":"Allow","Principal":"alice",` + rest):                                        "Invalid principal",
		statement(`"Effect":"Allow","Principal":{"AWS":"carol"},` + rest):                                "Invalid principal in policy: carol",
		statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/alice"},` + rest): "Invalid principal",
		statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam:::user/carol"},` + rest):             "Invalid principal",
		statement(`"Effect":"Allow","Principal":{"CanonicalUser":"x"},` + rest):                          "Invalid principal",
		statement(`"Effect":"Allow","Principal":{"User":"alice"},` + rest):                               "Invalid principal in policy: User",
		statement(`"Effect":"Allow","NotPrincipal":{"AWS":"alice"},` + rest):                             "NotPrincipal",
		statement(who + `"NotPrincipal":"*",` + rest):                                                    "both Principal and NotPrincipal",
		statement(who + `"Action":"s3:GetObject"`):                                                       "Missing required field Resource",
		statement(who + `"Action":[],"Resource":"arn:aws:s3:::photos/*"`):                                "Action cannot be empty",
		statement(who + `"Action":"s3:GetObjekt","Resource":"arn:aws:s3:::photos/*"`):                    "invalid action: s3:GetObjekt",
		statement(who + `"Action":"ec2:*","Resource":"arn:aws:s3:::photos/*"`):                           "invalid action",
		statement(who + `"Action":"**","Resource":"arn:aws:s3:::photos/*"`):                              "invalid action",
		statement(who + `"Action":"s3:GetObject","Resource":"*"`):                                        "invalid resource",
		statement(who + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"`):                     "invalid resource",
		statement(who + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos2/*"`):                   "invalid resource",
		statement(who + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/${aws:username"`):       "invalid resource",
		statement(who + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/${aws:nonsense}"`):      "invalid resource",
		statement(who + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos"`):                      "does not apply",
		statement(who + `"Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::photos/*"`):  "does not apply",
		statement(who + rest + `,"Condition":{"StringIs":{"aws:username":"x"}}`):                         "Invalid Condition type : StringIs",
		statement(who + rest + `,"Condition":{"stringequals":{"aws:username":"x"}}`):                     "Invalid Condition type",
		statement(who + rest + `,"Condition":{"NullIfExists":{"aws:username":"true"}}`):                  "Invalid Condition type",
		statement(who + rest + `,"Condition":{"StringEquals":{"aws:shoesize":"x"}}`):                     "invalid condition key: aws:shoesize",
		statement(who + rest + `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/":"x"}}`):            "invalid condition key",
		statement(who + rest + `,"Condition":{"StringEquals":{"aws:username":{}}}`):                      "simple values",
		statement(who + rest + `,"Condition":{"StringEquals":{"aws:username":null}}`):                    "simple values",
		statement(who + rest + `,"Condition":{"StringEquals":{"aws:username":[]}}`):                      "no values",
		statement(who + rest + `,"Condition":{"Bool":{"aws:SecureTransport":"yes"}}`):                    "invalid value",
		statement(who + rest + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}}`):              "invalid value",
		statement(who + rest + `,"Condition":{"NumericEquals":{"s3:max-keys":"0x10"}}`):                  "invalid value",
		statement(who + rest + `,"Condition":{"DateEquals":{"aws:CurrentTime":"soon"}}`):                 "invalid value",
		`{"Statement":[{"Sid":"a",` + who + rest + `},{"Sid":"a",` + who + rest + `}]}`:                  "must be unique",
		statement(who+rest) + strings.Repeat(" ", MaxPolicy):                                             "maximum allowed size",
	} {
		_, err := ParsePolicy("photos", []byte(doc), users)
		if !errors.Is(err, s3err.MalformedPolicy) || !strings.Contains(err.Error(), words) {
			t.Errorf("%.200s: got %v, want %q", doc, err, words)
		}
	}
	fine := statement(`"Effect":"Allow","Principal":{"AWS":["alice","a11ce","arn:aws:iam::cairn:user/alice"],"CanonicalUser":"a11ce"},` + rest)
	if _, err := ParsePolicy("photos", []byte(fine), users); err != nil {
		t.Error(err)
	}
}

func TestPublic(t *testing.T) {
	for rest, want := range map[string]bool{
		`"Effect":"Allow","Principal":"*"`:                                                                                true,
		`"Effect":"Allow","Principal":{"AWS":["alice","*"]}`:                                                              true,
		`"Effect":"Allow","Principal":{"AWS":"alice"}`:                                                                    false,
		`"Effect":"Deny","Principal":"*"`:                                                                                 false,
		`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                      false,
		`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:sourceip":["192.0.2.0/24","0.0.0.0/1"]}}`:        true,
		`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"2001::/16"}}`:                         true,
		`"Effect":"Allow","Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                   true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:userid":"a11ce"}}`:                            false,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEqualsIfExists":{"aws:userid":"a11ce"}}`:                    true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:userid":"*"}}`:                                  true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:Referer":"http://example.com/*"}}`:              true,
		`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:UserName":"alice","s3:x-amz-acl":"private"}}`: false,
	} {
		doc := `{"Statement":[{` + rest + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}]}`
		if got := mustPolicy(t, doc).Public(); got != want {
			t.Errorf("%s: %v", rest, got)
		}
	}
}

// TestMatch compares match with regular expressions.
func TestMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(alphabet string) string {
		runes := []rune(alphabet)
		out := make([]rune, rng.IntN(8))
		for i := range out {
			out[i] = runes[rng.IntN(len(runes))]
		}
		return string(out)
	}
	for range 3_000 {
		pattern, text := word("ab*?é"), word("abé")
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		if got, want := match(glob(pattern), text), regexp.MustCompile("^"+quoted+"$").MatchString(text); got != want {
			t.Fatalf("match(%q, %q) = %v", pattern, text, got)
		}
	}
}

// randomStatement is one of a small world, where many statements meet many requests.
func randomStatement(rng *rand.Rand, effects ...string) string {
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	return fmt.Sprintf(`{"Effect":%q,"Principal":%s,%q:%s,%q:%s,"Condition":{%s}}`, pick(effects...),
		pick(`"*"`, `{"AWS":"alice"}`, `{"AWS":["alice","bob"]}`, `{"CanonicalUser":"b0b"}`),
		pick("Action", "Action", "NotAction"), pick(`"s3:*"`, `["s3:Get*","s3:List*"]`, `["s3:*Object","s3:ListBucket"]`),
		pick("Resource", "Resource", "NotResource"), pick(`"arn:aws:s3:::photos*"`, `["arn:aws:s3:::photos","arn:aws:s3:::photos/a*"]`),
		pick(``, `"Bool":{"aws:SecureTransport":"true"}`, `"StringNotLike":{"aws:username":"a*"}`))
}

func randomRequest(rng *rand.Rand) *Request {
	r := &Request{Bucket: "photos", Secure: rng.IntN(2) == 0, Op: Op(1 + rng.IntN(int(opCount)-1))}
	r.Principal = []Principal{alice, bob, Nobody, {Name: "root", CanonicalID: "0", Admin: true}}[rng.IntN(4)]
	if r.Op >= GetObject {
		r.Key = []string{"a", "b"}[rng.IntN(2)]
		r.VersionID = []string{"", "v"}[rng.IntN(2)]
	}
	return r
}

func randomRules(rng *rand.Rand) Rules {
	acl := func() *ACL {
		acl, err := Canned(cannedNames[rng.IntN(len(cannedNames)-1)], []string{"a11ce", "b0b"}[rng.IntN(2)], "a11ce")
		if err != nil {
			panic(err)
		}
		return acl
	}
	rules := Rules{Bucket: acl()}
	if rng.IntN(4) > 0 {
		rules.Object = acl()
	}
	return rules
}

// TestDenyWins: a policy decides as its statements do one by one, in any order: Deny
// before Allow. And whatever decides with it, adding a Deny never gives anything.
func TestDenyWins(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	parse := func(statements []string) *Policy {
		p, err := ParsePolicy("photos", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`), nil)
		if err != nil {
			return nil
		}
		return p
	}
	rounds := 0
	for range 1_500 {
		statements := []string{randomStatement(rng, "Allow", "Deny"), randomStatement(rng, "Allow", "Deny"), randomStatement(rng, "Deny")}
		all, fewer := parse(statements), parse(statements[:2])
		if all == nil {
			continue // an action without its resource
		}
		rounds++
		r, on := randomRequest(rng), randomRules(rng)
		action, want := r.needed()[0], None
		for _, s := range statements {
			want = max(want, parse([]string{s}).Evaluate(action, r))
		}
		rng.Shuffle(3, func(i, j int) { statements[i], statements[j] = statements[j], statements[i] })
		if got, shuffled := all.Evaluate(action, r), parse(statements).Evaluate(action, r); got != want || shuffled != want {
			t.Fatalf("%s: %v, shuffled %v, one by one %v: %s", action, got, shuffled, want, statements)
		}
		on.Policy = fewer
		before := Decide(r, on)
		on.Policy = all
		if before != nil && Decide(r, on) == nil {
			t.Fatalf("%v by %s was given by a Deny: %s", r.Op, r.Principal.Name, statements)
		}
		if want == Deny && !operations[r.Op].policy && operations[r.Op].on != onService && Decide(r, on) == nil {
			t.Fatalf("%v by %s in spite of a Deny: %s", r.Op, r.Principal.Name, statements)
		}
	}
	if rounds < 500 {
		t.Fatalf("only %d rounds", rounds)
	}
}
