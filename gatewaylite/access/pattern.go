package access

import (
	"strings"
	"unicode/utf8"
)

// In a pattern made ready for matching, wildcards are bytes that no UTF-8 text
// has, so that what a variable stands for is always taken literally.
const (
	anyText = '\xff'
	anyRune = '\xfe'
)

var wildcards = strings.NewReplacer("*", string([]byte{anyText}), "?", string([]byte{anyRune}))

// glob is a pattern with * for any text and ? for one character.
func glob(pattern string) string { return wildcards.Replace(strings.ToValidUTF8(pattern, "\uFFFD")) }

// match says whether the text is of the pattern, which is a glob.
func match(pattern, text string) bool {
	p, t := 0, 0
	star, mark := -1, 0 // the last * and the text that it has not taken yet
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == anyRune:
			_, n := utf8.DecodeRuneInString(text[t:])
			p, t = p+1, t+n
		case p < len(pattern) && pattern[p] == text[t]:
			p, t = p+1, t+1
		case star >= 0:
			_, n := utf8.DecodeRuneInString(text[mark:])
			mark += n
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}

// expand puts the values of a request in place of the variables of a text, and
// with wild makes a glob of the rest. It fails if a variable has no single value and no
// default: then what it stands in matches nothing ("IAM policy elements: variables
// and tags").
func expand(text string, r *Request, variables, wild bool) (string, bool) {
	literal := func(s string) string { return s }
	if wild {
		literal = glob
	}
	if !variables || !strings.Contains(text, "${") {
		return literal(text), true
	}
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(text, "${")
		b.WriteString(literal(head))
		if !found {
			return b.String(), true
		}
		name, after, _ := strings.Cut(rest, "}")
		value, ok := variable(name, r)
		if !ok {
			return "", false
		}
		b.WriteString(strings.ToValidUTF8(value, "\uFFFD"))
		text = after
	}
}

// variable is the value of "key", or of "key, 'default'"; ${*}, ${?} and ${$}
// stand for themselves.
func variable(text string, r *Request) (string, bool) {
	if text == "*" || text == "?" || text == "$" {
		return text, true
	}
	name, fallback, hasDefault := splitVariable(text)
	if get := conditionKey(name); get != nil {
		if values := get(r); len(values) == 1 {
			return values[0], true
		}
	}
	return fallback, hasDefault
}

// splitVariable takes "key, 'default'" apart.
func splitVariable(text string) (name, fallback string, hasDefault bool) {
	name, fallback, hasDefault = strings.Cut(text, ",")
	fallback = strings.TrimSpace(fallback)
	if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
		return strings.TrimSpace(name), "", false
	}
	return strings.TrimSpace(name), fallback[1 : len(fallback)-1], hasDefault
}

// checkVariables says whether every variable of a text is closed and known.
func checkVariables(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return false
		}
		if name != "*" && name != "?" && name != "$" {
			key, _, _ := splitVariable(name)
			if conditionKey(key) == nil {
				return false
			}
		}
		text = after
	}
}
