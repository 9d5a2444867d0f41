package blockstore

import "fmt"

// Check says whether a change is one that the contract allows: Invalid if not.
// Every engine calls it before anything else.
func (c *Change) Check() error {
	if c.Session.IsZero() || c.Seq == 0 {
		return invalid("", "change without session or sequence")
	}
	for _, g := range c.Guards {
		if err := checkKey(g.Key); err != nil && !(g.Empty && g.Key == "") {
			return err
		}
	}
	for _, b := range c.Blocks {
		if !b.ID.Small() || len(b.Data) == 0 || len(b.Data) > MaxSmall {
			return invalid(b.ID.String(), "block of %d bytes in a change", len(b.Data))
		}
	}
	return c.checkWrites()
}

func (c *Change) checkWrites() error {
	for _, w := range c.Writes {
		if err := checkKey(w.Key); err != nil {
			return err
		}
		if len(w.Value) > MaxValue {
			return invalid(w.Key, "value of %d bytes", len(w.Value))
		}
	}
	for _, a := range c.Adds {
		if err := checkKey(a.Key); err != nil {
			return err
		}
		if a.Op > Max {
			return invalid(a.Key, "addition of kind %d", a.Op)
		}
	}
	return c.checkTwice()
}

// checkTwice: no key is written twice, or written and added to.
func (c *Change) checkTwice() error {
	written := func(key string, before int) bool {
		for _, w := range c.Writes[:before] {
			if w.Key == key {
				return true
			}
		}
		return false
	}
	if len(c.Writes) > manyWrites {
		place := make(map[string]int, len(c.Writes))
		for i, w := range c.Writes {
			if _, ok := place[w.Key]; !ok {
				place[w.Key] = i
			}
		}
		written = func(key string, before int) bool {
			i, ok := place[key]
			return ok && i < before
		}
	}
	for i, w := range c.Writes {
		if written(w.Key, i) {
			return invalid(w.Key, "key stands twice")
		}
	}
	for _, a := range c.Adds {
		if written(a.Key, len(c.Writes)) {
			return invalid(a.Key, "key is both written and added to")
		}
	}
	return nil
}

func checkKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return invalid(fmt.Sprintf("%.40q", key), "key of %d bytes", len(key))
	}
	return nil
}

func invalid(name, format string, args ...any) error {
	return E("commit", name, Invalid, fmt.Errorf(format, args...))
}
