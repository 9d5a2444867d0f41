package access

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// MaxPolicy is the most bytes that a bucket policy may have.
const MaxPolicy = 20 << 10

const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"

	resourcePrefix = "arn:aws:s3:::"
)

func malformed(format string, args ...any) error {
	return s3err.Errorf(s3err.MalformedPolicy, format, args...)
}

// ParsePolicy reads the policy of a bucket ("Access policy language", S3 user
// guide). What it does not know it refuses with MalformedPolicy: a policy is never
// kept that means less than it says. exists says whether a name or canonical
// id is that of a user; nil: no matter, as for a policy that was accepted before.
func ParsePolicy(bucket string, doc []byte, exists func(user string) bool) (*Policy, error) {
	if len(doc) > MaxPolicy {
		return nil, malformed("Policy document exceeds the maximum allowed size of %d bytes", MaxPolicy)
	}
	if !bytes.HasPrefix(doc, []byte("{")) || !json.Valid(doc) {
		return nil, malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	if exists == nil {
		exists = func(string) bool { return true }
	}
	p := &policyParser{bucket: bucket, exists: exists, version: version2008}
	return p.parse(doc)
}

type policyParser struct {
	bucket  string
	exists  func(string) bool
	version string
}

func (p *policyParser) parse(doc json.RawMessage) (*Policy, error) {
	var raw []json.RawMessage
	err := eachMember(doc, func(name string, value json.RawMessage) (err error) {
		switch name {
		case "Version":
			p.version, err = text(name, value)
		case "Id":
			_, err = text(name, value)
		case "Statement":
			raw = items(value)
		default:
			return malformed("Unknown field %s", name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.version != version2008 && p.version != version2012 {
		return nil, malformed("The policy must contain a valid version string")
	}
	if len(raw) == 0 {
		return nil, malformed("Missing required field Statement")
	}
	policy := &Policy{variables: p.version == version2012}
	policy.statements, err = p.statements(raw)
	if err != nil {
		return nil, err
	}
	return policy, nil
}

func (p *policyParser) statements(raw []json.RawMessage) ([]statement, error) {
	statements := make([]statement, len(raw))
	sids := make(map[string]bool)
	for i := range raw {
		s := &statements[i]
		if err := p.statement(s, raw[i]); err != nil {
			return nil, err
		}
		if s.sid != "" && sids[s.sid] {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique: %s", s.sid)
		}
		sids[s.sid] = true
	}
	return statements, nil
}

func (p *policyParser) statement(s *statement, raw json.RawMessage) error {
	seen := make(map[string]bool)
	err := eachMember(raw, func(name string, value json.RawMessage) error {
		seen[name] = true
		return p.element(s, name, value)
	})
	if err != nil {
		return err
	}
	for _, name := range []string{"Effect", "Principal", "Action", "Resource"} {
		if seen[name] && seen["Not"+name] {
			return malformed("Statement has both %s and Not%s", name, name)
		}
		if !seen[name] && (name == "Effect" || !seen["Not"+name]) {
			return malformed("Missing required field %s", name)
		}
	}
	if s.notPrincipals && s.effect == Allow {
		return malformed("NotPrincipal is only supported with the effect Deny")
	}
	return s.checkReach()
}

// element reads one element of a statement.
func (p *policyParser) element(s *statement, name string, value json.RawMessage) (err error) {
	switch name {
	case "Sid":
		s.sid, err = text(name, value)
	case "Effect":
		s.effect, err = effect(value)
	case "Principal", "NotPrincipal":
		s.notPrincipals = name == "NotPrincipal"
		err = p.principals(&s.principals, value)
	case "Action", "NotAction":
		s.notActions = name == "NotAction"
		s.actions, err = actions(name, value)
	case "Resource", "NotResource":
		s.notResources = name == "NotResource"
		s.resources, err = p.resources(name, value)
	case "Condition":
		s.conditions, err = p.conditions(value)
	default:
		err = malformed("Unknown field %s", name)
	}
	return err
}

func effect(raw json.RawMessage) (Decision, error) {
	switch v, err := text("Effect", raw); {
	case err != nil:
		return None, err
	case v == "Allow":
		return Allow, nil
	case v == "Deny":
		return Deny, nil
	default:
		return None, malformed("Invalid effect: %s", v)
	}
}

func actions(name string, raw json.RawMessage) ([]string, error) {
	names, err := texts(name, raw)
	if err != nil {
		return nil, err
	}
	patterns := make([]string, 0, len(names))
	for _, n := range names {
		pattern := glob(lower(n))
		if !matchesAny(bucketActions, pattern) && !matchesAny(objectActions, pattern) ||
			n != "*" && !strings.HasPrefix(lower(n), "s3:") {
			return nil, malformed("Policy has invalid action: %s", n)
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}

// resources must be of the bucket that the policy is for.
func (p *policyParser) resources(name string, raw json.RawMessage) ([]string, error) {
	resources, err := texts(name, raw)
	if err != nil {
		return nil, err
	}
	for _, r := range resources {
		rest, ok := strings.CutPrefix(r, resourcePrefix+p.bucket)
		if !ok || rest != "" && rest[0] != '/' && rest[0] != '*' ||
			p.version == version2012 && !checkVariables(rest) {
			return nil, malformed("Policy has invalid resource: %s", r)
		}
	}
	return resources, nil
}

// checkReach refuses a statement with an action that none of its resources is of: most
// often the object actions of a statement that names the bucket alone.
func (s *statement) checkReach() error {
	if s.notActions || s.notResources {
		return nil
	}
	isObject := func(r string) bool { return strings.ContainsAny(r, "/*") }
	isBucket := func(r string) bool { return !strings.Contains(r, "/") }
	objects, buckets := slices.ContainsFunc(s.resources, isObject), slices.ContainsFunc(s.resources, isBucket)
	for _, a := range s.actions {
		if !(objects && matchesAny(objectActions, a) || buckets && matchesAny(bucketActions, a)) {
			return malformed("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

func lower(s string) string { return strings.ToLower(s) }
