package namespace

import (
	"bytes"
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

// checkedNames is what must be known of names to judge how they show: as keys,
// and in a mount.
type checkedNames struct {
	implied map[NodeID]bool // directories, by whether they are implied
	keyed   map[NodeID]bool // directories with a key, or a directory, in them
	unnamed map[NodeID]bool // directories with a file whose key is their own
	// aliases are the keys of alias records: whether it is there, and whether
	// it is needed.
	aliases map[string]struct{ there, needed bool }
}

func newCheckedNames() checkedNames {
	return checkedNames{
		implied: make(map[NodeID]bool), keyed: make(map[NodeID]bool), unnamed: make(map[NodeID]bool),
		aliases: make(map[string]struct{ there, needed bool }),
	}
}

func (c *checkedNames) node(id NodeID, n *Node) {
	if n.Kind == Dir {
		c.implied[id] = n.Implied
	}
}

func (c *checkedNames) entry(dir NodeID, name string, e *EntryRecord) {
	if !e.Dir.IsZero() || e.FileKind.isKey() {
		c.keyed[dir] = true
	}
	if name == "" && e.FileKind.isKey() {
		c.unnamed[dir] = true
	}
	if hasAlias(name) {
		key := aliasKey(dir, componentHash(name))
		a := c.aliases[key]
		a.needed = true
		c.aliases[key] = a
	}
}

func (c *checkedNames) alias(r blockstore.Record) error {
	a := c.aliases[r.Key]
	a.there = true
	c.aliases[r.Key] = a
	var rec AliasRecord
	if err := decode(r.Key, r.Value, &rec); err != nil {
		return err
	}
	if _, hash := keyID(r.Key); !bytes.Equal(componentHash(rec.Component), []byte(hash)) {
		return fmt.Errorf("leads to %q, whose hash is another", rec.Component)
	}
	return nil
}

// judgeNames sees that directories are keys as they should be, and that long
// names can be found.
func (c *checker) judgeNames() {
	for id, implied := range c.names.implied {
		n := c.nodes[id]
		switch {
		case implied && (id == RootID || n != nil && n.bucket == id):
			c.wrong(c.path(id), "a bucket that is there only for its keys")
		case implied && !c.names.keyed[id]:
			c.wrong(c.path(id), "is there only for the keys below it, and there are none")
		case !implied && c.names.unnamed[id]:
			c.wrong(c.path(id), "its key is a file and the directory itself")
		}
	}
	for key, a := range c.names.aliases {
		switch {
		case !a.needed:
			c.wrong(keyName(key), "is of no entry")
		case !a.there:
			c.wrong(keyName(key), "is not there: a name can't be found by what is shown")
		}
	}
}
