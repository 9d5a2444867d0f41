package blockstoretest

import (
	"slices"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// model says what a store must answer, in plain maps.
type model struct {
	records  map[string]modelRecord
	blocks   map[blockstore.BlockID][]byte
	done     map[changeName]blockstore.Version
	versions map[blockstore.Version]bool // all that were ever taken
	events   []blockstore.Event          // in commit order, with Head before each
}

type modelRecord struct {
	value   string
	version blockstore.Version
}

func newModel() *model {
	return &model{
		records:  make(map[string]modelRecord),
		blocks:   make(map[blockstore.BlockID][]byte),
		done:     make(map[changeName]blockstore.Version),
		versions: map[blockstore.Version]bool{{}: true},
	}
}

// holds says whether all guards of the change do.
func (m *model) holds(c *blockstore.Change) bool {
	for _, g := range c.Guards {
		if !g.Empty && m.records[g.Key].version != g.Version {
			return false
		}
		if g.Empty && slices.ContainsFunc(m.keys(g.Key, ""), func(key string) bool { return !c.Deletes(key) }) {
			return false
		}
	}
	return true
}

// apply does the change, which took the version.
func (m *model) apply(c *blockstore.Change, v blockstore.Version, before blockstore.Cursor) {
	for _, b := range c.Blocks {
		m.blocks[b.ID] = slices.Clone(b.Data)
	}
	for _, w := range c.Writes {
		delete(m.records, w.Key)
		if w.Value != nil {
			m.records[w.Key] = modelRecord{string(w.Value), v}
		}
	}
	for _, a := range c.Adds {
		t, err := blockstore.DecodeTally([]byte(m.records[a.Key].value))
		if err != nil {
			panic(err) // the random changes never write other values there
		}
		m.records[a.Key] = modelRecord{string(t.Apply(a).Encode()), v}
	}
	m.done[changeName{c.Session, c.Seq}] = v
	m.versions[v] = true
	if len(c.Events) > 0 {
		m.events = append(m.events, blockstore.Event{
			Cursor: before, Session: c.Session, Seq: c.Seq, Origin: c.Origin, Keys: slices.Clone(c.Events),
		})
	}
}

// keys are those that a scan yields.
func (m *model) keys(prefix, after string) []string {
	var keys []string
	for key := range m.records {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// blocksAfter are those that a listing yields.
func (m *model) blocksAfter(after blockstore.BlockID) []blockstore.BlockInfo {
	var infos []blockstore.BlockInfo
	for _, id := range sortedIDs(m.blocks) {
		if id.Compare(after) > 0 {
			infos = append(infos, blockstore.BlockInfo{ID: id, Size: len(m.blocks[id])})
		}
	}
	return infos
}
