package access

import (
	"bytes"
	"encoding/json"
)

// eachMember calls f with the members of an object in their order. Unlike
// encoding/json it refuses a name that comes twice, where two readers could see two
// different policies.
func eachMember(raw json.RawMessage, f func(name string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return malformed("Policy has an element that must be an object")
	}
	seen := make(map[string]bool)
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return malformed("Policies must be valid JSON and the first byte must be '{'")
		}
		if seen[name] {
			return malformed("Duplicate field %s", name)
		}
		seen[name] = true
		if err := f(name, value); err != nil {
			return err
		}
	}
	return nil
}

// items are the elements of an array, or the one value that stands for an array of one.
func items(raw json.RawMessage) []json.RawMessage {
	var many []json.RawMessage
	if bytes.HasPrefix(raw, []byte("[")) && json.Unmarshal(raw, &many) == nil {
		return many
	}
	return []json.RawMessage{raw}
}

// text is a string, and nothing else.
func text(name string, raw json.RawMessage) (string, error) {
	var s string
	if !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &s) != nil {
		return "", malformed("%s must be a string", name)
	}
	return s, nil
}

// texts are one or many strings, but not none.
func texts(name string, raw json.RawMessage) ([]string, error) {
	all := items(raw)
	if len(all) == 0 {
		return nil, malformed("Missing required field %s cannot be empty", name)
	}
	values := make([]string, 0, len(all))
	for _, item := range all {
		s, err := text(name, item)
		if err != nil {
			return nil, err
		}
		values = append(values, s)
	}
	return values, nil
}

// scalars are one or many strings, numbers or booleans, as text.
func scalars(name string, raw json.RawMessage) ([]string, error) {
	all := items(raw)
	values := make([]string, 0, len(all))
	for _, item := range all {
		switch item[0] {
		case '{', '[', 'n': // an object, an array, null
			return nil, malformed("%s must have simple values", name)
		case '"':
			s, err := text(name, item)
			if err != nil {
				return nil, err
			}
			values = append(values, s)
		default:
			values = append(values, string(item))
		}
	}
	return values, nil
}
