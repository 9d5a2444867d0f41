package access

import (
	"encoding/json"
	"strings"
)

// userPrefix begins the name of a user in the policy language; the account is empty in
// policies that follow older gateways.
const (
	userPrefix      = "arn:aws:iam::cairn:user/"
	userPrefixShort = "arn:aws:iam:::user/"
)

// principals reads "*" or an object by kind of principal. Nobody here is a service
// or federated, so that those kinds name nobody.
func (p *policyParser) principals(ps *principals, raw json.RawMessage) error {
	if raw[0] == '"' {
		if s, err := text("Principal", raw); err != nil || s != "*" {
			return malformed("Invalid principal in policy: %s", raw)
		}
		ps.all = true
		return nil
	}
	ps.names, ps.ids = make(map[string]bool), make(map[string]bool)
	count := 0
	err := eachMember(raw, func(kind string, value json.RawMessage) error {
		values, err := texts("Principal", value)
		if err != nil {
			return err
		}
		count += len(values)
		for _, v := range values {
			if err := p.principal(ps, kind, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && count == 0 {
		return malformed("Missing required field Principal cannot be empty")
	}
	return err
}

func (p *policyParser) principal(ps *principals, kind, value string) error {
	switch kind {
	case "AWS":
		return p.user(ps, value)
	case "CanonicalUser":
		if value == "" || !p.exists(value) {
			return malformed("Invalid principal in policy: %s", value)
		}
		ps.ids[value] = true
	case "Service", "Federated":
	default:
		return malformed("Invalid principal in policy: %s", kind)
	}
	return nil
}

// user reads "*", the ARN of a user, a user's name or canonical id.
func (p *policyParser) user(ps *principals, value string) error {
	if value == "*" {
		ps.all = true
		return nil
	}
	name, long := strings.CutPrefix(value, userPrefix)
	name, short := strings.CutPrefix(name, userPrefixShort)
	isARN := long || short
	if name == "" || !isARN && strings.HasPrefix(name, "arn:") || !p.exists(name) {
		return malformed("Invalid principal in policy: %s", value)
	}
	ps.names[name] = true
	if !isARN {
		ps.ids[name] = true
	}
	return nil
}

// conditions reads {operator: {key: value or values}}.
func (p *policyParser) conditions(raw json.RawMessage) ([]condition, error) {
	var all []condition
	err := eachMember(raw, func(name string, keys json.RawMessage) error {
		c, ok := parseOperator(name)
		if !ok {
			return malformed("Invalid Condition type : %s", name)
		}
		return eachMember(keys, func(key string, values json.RawMessage) error {
			c := c
			err := p.condition(&c, key, values)
			all = append(all, c)
			return err
		})
	})
	return all, err
}

// parseOperator takes [ForAllValues:|ForAnyValue:]Operator[IfExists] apart.
func parseOperator(name string) (condition, bool) {
	var c condition
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.set, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.set, name = forAny, rest
	}
	if name == "Null" {
		c.null, c.operator = true, operator{valid: isBool}
		return c, c.set == plain
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	var ok bool
	c.operator, ok = operators[name]
	return c, ok
}

func (p *policyParser) condition(c *condition, key string, raw json.RawMessage) error {
	c.key, c.get = lower(key), conditionKey(key)
	if c.get == nil {
		return malformed("Policy has an invalid condition key: %s", key)
	}
	values, err := scalars("Condition", raw)
	if err != nil {
		return err
	}
	if len(values) == 0 {
		return malformed("Condition key %s has no values", key)
	}
	for i, v := range values {
		if c.valid == nil && p.version == version2012 && !checkVariables(v) ||
			c.valid != nil && !c.valid(v) {
			return malformed("Policy has an invalid value for condition key %s: %s", key, v)
		}
		if c.null {
			values[i] = lower(v)
		}
	}
	c.values = values
	return nil
}
