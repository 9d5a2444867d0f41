package access

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one operator with one key of a Condition element. All conditions of a
// statement must hold; of the values one must match, or none if the operator is
// negated ("Conditions with multiple context keys or values", IAM user guide).
type condition struct {
	operator
	set      quantifier
	ifExists bool
	null     bool   // the operator is Null, which asks whether the key is there
	key      string // in lower case
	get      func(*Request) []string
	values   []string
}

// quantifier is the set operator before a condition operator.
type quantifier uint8

const (
	plain  quantifier = iota
	forAll            // ForAllValues: each value of the request
	forAny            // ForAnyValue: at least one
)

// operator is a condition operator ("IAM JSON policy elements: condition operators").
type operator struct {
	test    func(want, got string) bool
	valid   func(want string) bool // of a value in a policy; nil: any text
	negated bool
	wild    bool // values are globs
}

var operators = map[string]operator{
	"StringEquals":              {test: equal},
	"StringNotEquals":           {test: equal, negated: true},
	"StringEqualsIgnoreCase":    {test: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {test: strings.EqualFold, negated: true},
	"StringLike":                {test: match, wild: true},
	"StringNotLike":             {test: match, wild: true, negated: true},

	"NumericEquals":            {test: numeric(isEqual), valid: isNumber},
	"NumericNotEquals":         {test: numeric(isEqual), valid: isNumber, negated: true},
	"NumericLessThan":          {test: numeric(isLess), valid: isNumber},
	"NumericLessThanEquals":    {test: numeric(isAtMost), valid: isNumber},
	"NumericGreaterThan":       {test: numeric(isGreater), valid: isNumber},
	"NumericGreaterThanEquals": {test: numeric(isAtLeast), valid: isNumber},

	"DateEquals":            {test: date(isEqual), valid: isDate},
	"DateNotEquals":         {test: date(isEqual), valid: isDate, negated: true},
	"DateLessThan":          {test: date(isLess), valid: isDate},
	"DateLessThanEquals":    {test: date(isAtMost), valid: isDate},
	"DateGreaterThan":       {test: date(isGreater), valid: isDate},
	"DateGreaterThanEquals": {test: date(isAtLeast), valid: isDate},

	"Bool":         {test: strings.EqualFold, valid: isBool},
	"IpAddress":    {test: inRange, valid: isRange},
	"NotIpAddress": {test: inRange, valid: isRange, negated: true},

	"ArnEquals":    {test: matchARN, wild: true},
	"ArnLike":      {test: matchARN, wild: true},
	"ArnNotEquals": {test: matchARN, wild: true, negated: true},
	"ArnNotLike":   {test: matchARN, wild: true, negated: true},
}

// holds says whether the request meets the condition.
func (c *condition) holds(r *Request, variables bool) bool {
	got := c.get(r)
	one := func(value string) bool { return c.matches(value, r, variables) != c.negated }
	switch {
	case c.null:
		return slices.Contains(c.values, strconv.FormatBool(len(got) == 0))
	case len(got) == 0:
		return c.withoutKey()
	case c.set == forAll || c.set == plain && c.negated:
		return !slices.ContainsFunc(got, func(value string) bool { return !one(value) })
	default:
		return slices.ContainsFunc(got, one)
	}
}

// withoutKey is what a condition is when its key is missing: a comparison fails, a
// negated one holds.
func (c *condition) withoutKey() bool {
	return c.ifExists || c.set == forAll || c.set == plain && c.negated
}

// matches says whether any value of the policy matches that of the request.
func (c *condition) matches(got string, r *Request, variables bool) bool {
	text := c.valid == nil
	return slices.ContainsFunc(c.values, func(want string) bool {
		if text {
			var ok bool
			if want, ok = expand(want, r, variables, c.wild); !ok {
				return false
			}
		}
		return c.test(want, got)
	})
}

func equal(want, got string) bool { return want == got }

// The comparisons take what cmp.Compare says of the request's value.
func isEqual(c int) bool   { return c == 0 }
func isLess(c int) bool    { return c < 0 }
func isAtMost(c int) bool  { return c <= 0 }
func isGreater(c int) bool { return c > 0 }
func isAtLeast(c int) bool { return c >= 0 }

func numeric(is func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, err := strconv.ParseFloat(want, 64)
		if err != nil || !isNumber(got) {
			return false
		}
		g, err := strconv.ParseFloat(got, 64)
		return err == nil && is(cmp.Compare(g, w))
	}
}

// isNumber takes decimal numbers, not the other notations of ParseFloat.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "+-.0123456789eE") == ""
}

func date(is func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, ok := parseDate(want)
		g, ok2 := parseDate(got)
		return ok && ok2 && is(g.Compare(w))
	}
}

func isDate(s string) bool { _, ok := parseDate(s); return ok }

// parseDate takes the forms of ISO 8601 that the W3C note has, and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func inRange(want, got string) bool {
	addr, err := netip.ParseAddr(got)
	p, ok := parseRange(want)
	return err == nil && ok && p.Contains(addr)
}

func isRange(s string) bool { _, ok := parseRange(s); return ok }

// parseRange takes a CIDR range or one address.
func parseRange(s string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// matchARN matches part by part: a wildcard does not reach over a colon, but in the
// last part.
func matchARN(want, got string) bool {
	w, g := strings.SplitN(want, ":", 6), strings.SplitN(got, ":", 6)
	return slices.EqualFunc(w, g, match)
}
