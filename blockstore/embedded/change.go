package embedded

import "github.com/cairnfs/cairn/blockstore"

// deciding is the name of a change in errors.
func deciding(c *blockstore.Change) string {
	switch {
	case len(c.Writes) > 0:
		return c.Writes[0].Key
	case len(c.Adds) > 0:
		return c.Adds[0].Key
	}
	return ""
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
