package auth

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// policy is the policy document of a form ("POST Policy" in the API reference).
type policy struct {
	expiration time.Time
	conditions []condition
	length     Length
}

// condition is one condition on one field.
type condition struct {
	prefix bool   // the field starts with value; otherwise it is value
	field  string // in lower case, without its $
	value  string
	text   string // as it stands in the policy
}

// parsePolicy reads the policy field of a form.
func parsePolicy(text string) (*policy, error) {
	raw, err := decodePolicy(text)
	if err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage // the names are case-sensitive, unlike those of a struct
	if json.Unmarshal(raw, &doc) != nil {
		return nil, badPolicy("Invalid JSON.")
	}
	p := &policy{length: anyLength}
	var expiration string
	if doc["expiration"] == nil {
		return nil, badPolicy("Policy missing expiration.")
	}
	if json.Unmarshal(doc["expiration"], &expiration) == nil {
		p.expiration, err = time.Parse(time.RFC3339, expiration)
	}
	if err != nil || p.expiration.IsZero() {
		return nil, badPolicy("Invalid 'expiration' value: '" + expiration + "'")
	}
	var conditions []json.RawMessage
	if json.Unmarshal(doc["conditions"], &conditions) != nil || conditions == nil {
		return nil, badPolicy("Policy missing conditions.")
	}
	for _, c := range conditions {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add reads one condition.
func (p *policy) add(raw json.RawMessage) error {
	var simple map[string]json.RawMessage
	if bytes.HasPrefix(raw, []byte("{")) && json.Unmarshal(raw, &simple) == nil {
		if len(simple) != 1 {
			return badPolicy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for field, value := range simple {
			return p.addMatch(raw, false, field, value)
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 {
		return badPolicy("Invalid Condition: it must be an object or a list of three.")
	}
	switch op := strings.ToLower(scalar(list[0])); op {
	case "eq", "starts-with":
		field, ok := strings.CutPrefix(scalar(list[1]), "$")
		if !ok {
			return badPolicy("Invalid Condition: the name of a field must begin with '$'.")
		}
		return p.addMatch(raw, op == "starts-with", field, list[2])
	case "content-length-range":
		return p.addRange(scalar(list[1]), scalar(list[2]))
	}
	return badPolicy("Invalid Condition: unknown operation '" + scalar(list[0]) + "'.")
}

func (p *policy) addMatch(raw json.RawMessage, prefix bool, field string, value json.RawMessage) error {
	var text string
	if json.Unmarshal(value, &text) != nil || bytes.Equal(value, []byte("null")) {
		return badPolicy("Invalid Condition: the value of '" + field + "' must be a string.")
	}
	p.conditions = append(p.conditions, condition{prefix, strings.ToLower(field), text, string(raw)})
	return nil
}

// addRange narrows the length: of several ranges all must hold.
func (p *policy) addRange(low, high string) error {
	lo, err1 := strconv.ParseUint(low, 10, 63)
	hi, err2 := strconv.ParseUint(high, 10, 63)
	if err1 != nil || err2 != nil || lo > hi {
		return badPolicy("Invalid content-length-range.")
	}
	p.length = Length{max(p.length.Min, int64(lo)), min(p.length.Max, int64(hi))}
	return nil
}

// scalar is a string or number of JSON as text; empty for anything else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// check holds a form to the policy: it has not expired, all conditions hold, and
// every field that needs a condition has one. It returns the sizes allowed.
func (p *policy) check(f form, now time.Time) (Length, error) {
	if now.After(p.expiration) {
		return Length{}, againstPolicy("Policy expired.")
	}
	covered := map[string]bool{}
	for _, c := range p.conditions {
		if !c.holds(f[c.field]) {
			return Length{}, againstPolicy("Policy Condition failed: " + c.text)
		}
		covered[c.field] = true
	}
	for _, field := range slices.Sorted(maps.Keys(f)) {
		if !covered[field] && needsCondition(field) {
			return Length{}, againstPolicy("Extra input fields: " + field)
		}
	}
	return p.length, nil
}

// holds says whether a value meets the condition. A list of content types meets
// a prefix if each of them does.
func (c condition) holds(value string) bool {
	switch {
	case !c.prefix:
		return value == c.value
	case c.field == "content-type":
		for one := range strings.SplitSeq(value, ",") {
			if !strings.HasPrefix(strings.TrimSpace(one), c.value) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(value, c.value)
}

func needsCondition(field string) bool {
	switch field {
	case "policy", "signature", "awsaccesskeyid", "x-amz-signature", "file":
		return false
	}
	return !strings.HasPrefix(field, "x-ignore-")
}

func badPolicy(message string) error {
	return s3err.Errorf(s3err.InvalidPolicyDocument, "Invalid Policy: %s", message)
}

func againstPolicy(message string) error {
	return s3err.Errorf(s3err.AccessDenied, "Invalid according to Policy: %s", message)
}
