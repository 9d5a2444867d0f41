package embedded

import (
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

// checkChange refuses a change that no store would carry out.
func checkChange(c *blockstore.Change) error {
	if c.Session.IsZero() || c.Seq == 0 {
		return invalid(deciding(c), "change without session or sequence")
	}
	for _, g := range c.Guards {
		if err := checkKey(g.Key); err != nil && !(g.Empty && g.Key == "") {
			return err
		}
	}
	for _, b := range c.Blocks {
		if !b.ID.Small() || len(b.Data) == 0 || len(b.Data) > blockstore.MaxSmall {
			return invalid(b.ID.String(), "small block of %d bytes", len(b.Data))
		}
	}
	for _, w := range c.Writes {
		if err := checkKey(w.Key); err != nil {
			return err
		}
		if len(w.Value) > blockstore.MaxValue {
			return invalid(w.Key, "value of %d bytes", len(w.Value))
		}
	}
	for _, a := range c.Adds {
		if err := checkKey(a.Key); err != nil {
			return err
		}
		if a.Op > blockstore.Set {
			return invalid(a.Key, "addition of kind %d", a.Op)
		}
	}
	return checkTwice(c.Writes)
}

func checkKey(key string) error {
	if key == "" || len(key) > blockstore.MaxKey {
		return invalid(fmt.Sprintf("%.40q", key), "key of %d bytes", len(key))
	}
	return nil
}

// fewWrites is up to where comparing each with each is quicker than a map.
const fewWrites = 16

func checkTwice(writes []blockstore.Write) error {
	if len(writes) > fewWrites {
		seen := make(map[string]bool, len(writes))
		for _, w := range writes {
			if seen[w.Key] {
				return invalid(w.Key, "key stands twice")
			}
			seen[w.Key] = true
		}
		return nil
	}
	for i, w := range writes {
		for _, v := range writes[:i] {
			if v.Key == w.Key {
				return invalid(w.Key, "key stands twice")
			}
		}
	}
	return nil
}

func invalid(name, format string, args ...any) error {
	return blockstore.E("commit", name, blockstore.Invalid, fmt.Errorf(format, args...))
}

// changeSize is about what the change adds to the disk.
func changeSize(c *blockstore.Change) int64 {
	n := 128
	for _, b := range c.Blocks {
		n += len(b.Data)
	}
	for _, w := range c.Writes {
		n += len(w.Key) + len(w.Value)
	}
	for _, e := range c.Events {
		n += len(e)
	}
	return int64(n)
}

// classify says what a change is to a disk that fills up: one that deletes must
// go through for as long as anything does, for it leads to space.
func classify(c *blockstore.Change) growth {
	if len(c.Blocks) > 0 || len(c.Needs) > 0 {
		return content
	}
	for _, w := range c.Writes {
		if w.Value == nil {
			return frees
		}
	}
	return metadata
}
