package namespace

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// Door is one way into a volume. What is written through it to an open file is
// seen at once by all handles of the same door, and by other doors when it was
// committed. Its methods may be called concurrently.
type Door struct {
	v    *Volume
	id   blockstore.ID // the origin of its changes
	name string

	mu   sync.Mutex
	live map[NodeID]*liveNode
}

// Door opens another way into the volume. The name is for people.
func (v *Volume) Door(name string) *Door {
	d := &Door{v: v, id: blockstore.NewID(), name: name, live: make(map[NodeID]*liveNode)}
	v.mu.Lock()
	v.doors = append(v.doors, d)
	v.mu.Unlock()
	return d
}

// Sync returns when every change that was made so far survives a power cut.
func (d *Door) Sync(ctx context.Context) error { return d.v.store.Sync(ctx) }

// Flush commits what is dirty in the door's open files. All are tried; the
// first error is returned.
func (d *Door) Flush(ctx context.Context, dur blockstore.Durability) error {
	var first error
	for _, n := range d.liveNodes() {
		if err := n.flushAndLet(ctx, flushAll); err != nil && first == nil {
			first = err
		}
	}
	if dur == blockstore.Sync && first == nil {
		first = d.v.store.Sync(ctx)
	}
	return first
}

func (d *Door) flushOld(ctx context.Context) error {
	var first error
	for _, n := range d.liveNodes() {
		if err := n.flushAndLet(ctx, flushWaiting); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (d *Door) liveNodes() []*liveNode {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*liveNode, 0, len(d.live))
	for _, n := range d.live {
		all = append(all, n)
	}
	return all
}

// liveNode is the node if it is open in this door, else nil.
func (d *Door) liveNode(id NodeID) *liveNode {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[id]
}

// markStale makes the live nodes, but for one that knows already, read their
// records again before the next use.
func (v *Volume) markStale(nodes []writtenNode, knows *liveNode) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, d := range v.doors {
		for _, w := range nodes {
			if n := d.liveNode(w.id); n != nil && n != knows {
				n.stale.Store(true)
			}
		}
	}
}

// listen hears of what other sessions changed.
func (v *Volume) listen(ctx context.Context) error {
	for ctx.Err() == nil {
		cursor, err := v.store.Head(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			v.log.Warn("the feed can't be joined; it will be tried again", "err", err)
			pause(ctx)
			continue
		}
		v.lookAtAll(ctx)
		for ev, err := range v.store.Watch(ctx, cursor) {
			if err != nil {
				v.log.Warn("the feed was interrupted; it will be joined again", "err", err)
				pause(ctx)
				break
			}
			if ev.Session != v.session {
				v.hear(ctx, ev.Keys)
			}
		}
	}
	return nil
}

// hear takes in what another session changed.
func (v *Volume) hear(ctx context.Context, keys []string) {
	nodes := nodesOf(keys)
	v.markStale(nodes, nil)
	err := v.claim(ctx, nodes)
	if slices.Contains(keys, settingKey("volume")) {
		err = errors.Join(err, v.reloadSettings(ctx))
	}
	if err != nil && ctx.Err() == nil {
		v.log.Warn("a change of another session was not taken in", "err", err)
	}
}

// lookAtAll takes in whatever may have been changed unheard.
func (v *Volume) lookAtAll(ctx context.Context) {
	v.markAllStale()
	keys := []string{settingKey("volume")}
	for _, id := range v.opens.all() {
		keys = append(keys, nodeKey(id))
	}
	v.hear(ctx, keys)
}

// pause waits a second, or until ctx is done.
func pause(ctx context.Context) {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (v *Volume) markAllStale() {
	for _, d := range v.allDoors() {
		for _, n := range d.liveNodes() {
			n.stale.Store(true)
		}
	}
}

func nodesOf(keys []string) []writtenNode {
	var nodes []writtenNode
	for _, k := range keys {
		if k[:1] == prefixNode {
			id, _ := keyID(k)
			nodes = append(nodes, writtenNode{id: id})
		}
	}
	return nodes
}

// Hints yields what changed through other doors, until ctx is done: All first,
// for what changed before. A hint may come more than once, or without a change.
func (d *Door) Hints(ctx context.Context) iter.Seq2[Hint, error] {
	return func(yield func(Hint, error) bool) {
		for ctx.Err() == nil {
			cursor, err := d.v.store.Head(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(Hint{}, err)
				return
			}
			// What changed before the feed was joined is not in it.
			if !yield(Hint{All: true}, nil) || !d.hintsFrom(ctx, cursor, yield) {
				return
			}
		}
	}
}

// hintsFrom returns true when the feed must be joined anew.
func (d *Door) hintsFrom(ctx context.Context, c blockstore.Cursor, yield func(Hint, error) bool) bool {
	for ev, err := range d.v.store.Watch(ctx, c) {
		switch {
		case blockstore.KindOf(err) == blockstore.CursorExpired:
			return true
		case err != nil:
			yield(Hint{}, err)
			return false
		}
		for _, k := range ev.Keys {
			for h := range hintsOf(k, ev.Origin == d.id) {
				if !yield(h, nil) {
					return false
				}
			}
		}
	}
	return true
}

// hintsOf yields what an event at a key means. A door knows its own changes, but
// not that a name may show something else after one of another name.
func hintsOf(key string, own bool) iter.Seq[Hint] {
	return func(yield func(Hint) bool) {
		id, rest := keyID(key)
		switch {
		case key[:1] == prefixBeside:
			_ = yield(Hint{Dir: id, Name: posixName(rest, false)}) && yield(Hint{Dir: id, Name: posixName(rest, true)})
		case own:
		case key[:1] == prefixNode:
			yield(Hint{Node: id})
		case key[:1] == prefixEntry:
			yield(Hint{Dir: id, Name: posixName(rest, false)})
		}
	}
}
