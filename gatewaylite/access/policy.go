package access

import "slices"

// Decision is what a policy says of a request.
type Decision uint8

// The decisions.
const (
	None  Decision = iota // nothing: others decide
	Allow                 // a statement allows it, and none denies it
	Deny                  // a statement denies it
)

// String is the name of the decision.
func (d Decision) String() string { return [...]string{"none", "allow", "deny"}[d] }

// Policy is a parsed bucket policy. It does not change, so that any number of
// requests may be held against it at once.
type Policy struct {
	variables  bool // the version of the language has variables
	statements []statement
}

// statement is one Statement. Each list is of what it names or, negated, of what
// it leaves out.
type statement struct {
	sid           string
	effect        Decision
	principals    principals
	notPrincipals bool
	actions       []string // globs in lower case
	notActions    bool
	resources     []string // as written, with wildcards and variables
	notResources  bool
	conditions    []condition
}

// principals is whom a statement names.
type principals struct {
	all   bool
	names map[string]bool
	ids   map[string]bool
}

func (ps *principals) has(p Principal) bool {
	return ps.all || !p.Anonymous && (ps.names[p.Name] || ps.ids[p.CanonicalID])
}

// Evaluate decides on one action ("s3:GetObject") of a request: an explicit Deny
// wins, then an Allow; the order of statements does not count ("Policy evaluation
// logic", IAM user guide).
func (p *Policy) Evaluate(action string, r *Request) Decision {
	decision := None
	for i := range p.statements {
		s := &p.statements[i]
		if s.effect > decision && s.applies(action, r, p.variables) {
			decision = s.effect
		}
	}
	return decision
}

func (s *statement) applies(action string, r *Request, variables bool) bool {
	return s.principals.has(r.Principal) != s.notPrincipals &&
		s.hasAction(action) != s.notActions &&
		s.hasResource(r, variables) != s.notResources &&
		s.conditionsHold(r, variables)
}

func (s *statement) hasAction(action string) bool {
	action = lower(action)
	return slices.ContainsFunc(s.actions, func(pattern string) bool { return match(pattern, action) })
}

func (s *statement) hasResource(r *Request, variables bool) bool {
	arn := r.arn()
	return slices.ContainsFunc(s.resources, func(resource string) bool {
		pattern, ok := expand(resource, r, variables, true)
		return ok && match(pattern, arn)
	})
}

func (s *statement) conditionsHold(r *Request, variables bool) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(r, variables) {
			return false
		}
	}
	return true
}
