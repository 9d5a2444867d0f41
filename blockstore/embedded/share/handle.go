package share

import (
	"context"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// A page ends when it is this large, or has that many blocks.
const (
	pageBytes  = 1 << 20
	pageBlocks = 32 << 10
)

// handler carries out one verb, and returns the reply.
type handler func(ctx context.Context, e *embedded.Store, body []byte) (any, error)

// handlers has one for each question.
var handlers = [verbCount]handler{
	putBlock: func(ctx context.Context, e *embedded.Store, body []byte) (any, error) {
		id, data, err := parsePut(body)
		if err != nil {
			return nil, err
		}
		return none{}, e.PutBlock(ctx, id, data)
	},
	getBlock: handle(func(ctx context.Context, e *embedded.Store, q blockRead) ([]byte, error) {
		return e.GetBlock(ctx, q.ID, q.Off, q.N)
	}),
	deleteBlocks: handle(func(ctx context.Context, e *embedded.Store, ids []blockstore.BlockID) (none, error) {
		return none{}, e.DeleteBlocks(ctx, ids)
	}),
	removeSegment: handle(func(ctx context.Context, e *embedded.Store, q segmentRemoval) (none, error) {
		return none{}, e.RemoveSegment(ctx, q.ID, q.Blocks, q.Small)
	}),
	listBlocks: handle(func(ctx context.Context, e *embedded.Store, after blockstore.BlockID) (p blockPage, err error) {
		p.Blocks, p.Done, err = pageOf(e.ListBlocks(ctx, after), pageBlocks, func(blockstore.BlockInfo) int { return 0 })
		return p, err
	}),
	getRecord: handle(func(ctx context.Context, e *embedded.Store, key string) (r recordReply, err error) {
		r.Value, r.Version, err = e.Get(ctx, key)
		return r, err
	}),
	scan: handle(func(ctx context.Context, e *embedded.Store, q scanPage) (p recordPage, err error) {
		p.Records, p.Done, err = pageOf(e.Scan(ctx, q.Prefix, q.After), min(q.N, lastPage),
			func(r blockstore.Record) int { return len(r.Key) + len(r.Value) })
		return p, err
	}),
	commit: handle(func(ctx context.Context, e *embedded.Store, q commitment) (blockstore.Version, error) {
		return e.Commit(ctx, &q.Change, q.Durability)
	}),
	syncAll: func(ctx context.Context, e *embedded.Store, _ []byte) (any, error) { return none{}, e.Sync(ctx) },
	head:    func(ctx context.Context, e *embedded.Store, _ []byte) (any, error) { return e.Head(ctx) },
	watch: handle(func(ctx context.Context, e *embedded.Store, after blockstore.Cursor) ([]blockstore.Event, error) {
		events, err := e.Next(ctx, after)
		return firstOf(events), err
	}),
	space: func(ctx context.Context, e *embedded.Store, _ []byte) (any, error) { return e.Space(ctx) },
}

func handle[Q, R any](do func(context.Context, *embedded.Store, Q) (R, error)) handler {
	return func(ctx context.Context, e *embedded.Store, body []byte) (any, error) {
		var q Q
		if err := decode(body, &q); err != nil {
			return nil, err
		}
		return do(ctx, e, q)
	}
}

// pageOf takes the first n of what comes, or fewer if they are large; done says
// that there are no more.
func pageOf[T any](all iter.Seq2[T, error], n int, size func(T) int) (page []T, done bool, err error) {
	total := 0
	for v, err := range all {
		if err != nil {
			return nil, false, err
		}
		page = append(page, v)
		if total += size(v); len(page) >= n || total >= pageBytes {
			return page, false, nil
		}
	}
	return page, true, nil
}

// firstOf is as many of the events as fit into a page.
func firstOf(events []blockstore.Event) []blockstore.Event {
	total := 0
	for i, e := range events {
		for _, key := range e.Keys {
			total += len(key)
		}
		if total >= pageBytes {
			return events[:i+1]
		}
	}
	return events
}

// respond carries out a question, and encodes the reply.
func respond(ctx context.Context, e *embedded.Store, v verb, body []byte) ([]byte, error) {
	if v >= verbCount || handlers[v] == nil {
		return nil, blockstore.E("ask", "", blockstore.Unsupported, nil)
	}
	reply, err := handlers[v](ctx, e, body)
	if err != nil {
		return nil, err
	}
	return encode(reply)
}

// local answers the calls that a guest began before it became the owner.
type local struct{ engine *embedded.Store }

func (l local) call(ctx context.Context, v verb, body []byte) ([]byte, error) {
	return respond(ctx, l.engine, v, body)
}
