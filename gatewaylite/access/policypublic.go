package access

import (
	"slices"
	"strings"
)

// Public says whether the policy lets in everybody ("The meaning of public", S3 user
// guide): a statement allows something to all principals, and no condition holds it to
// certain users or a network that is not half the world.
func (p *Policy) Public() bool {
	return slices.ContainsFunc(p.statements, func(s statement) bool {
		return s.effect == Allow && s.principals.all && !slices.ContainsFunc(s.conditions, condition.narrows)
	})
}

// narrows says whether only fixed users or addresses meet the condition.
func (c condition) narrows() bool {
	if c.null || c.negated || c.ifExists || c.set == forAll {
		return false
	}
	switch c.key {
	case "aws:userid", "aws:username", "aws:principalarn":
		return !slices.ContainsFunc(c.values, func(v string) bool { return strings.ContainsAny(v, "*?$") })
	case "aws:sourceip":
		return !slices.ContainsFunc(c.values, broad)
	}
	return false
}

// broad says whether a range is larger than /8, or /32 of IPv6, or none at all.
func broad(value string) bool {
	p, ok := parseRange(value)
	least := 32
	if p.Addr().Is4() {
		least = 8
	}
	return !ok || p.Bits() < least
}
