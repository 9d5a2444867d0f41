package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Info is what `cairn info` tells of a volume.
type Info struct {
	ID       blockstore.ID
	Format   int
	Created  Time
	Settings Settings
	Space    blockstore.Space
	Bytes    int64 // content of all files
	Files    int64
	Buckets  int
	Sessions int
}

// Info gathers it without reading more than the buckets.
func (v *Volume) Info(ctx context.Context) (Info, error) {
	i := Info{ID: v.id, Format: formatVersion, Created: v.created, Settings: v.Settings()}
	var err error
	if i.Space, err = v.store.Space(ctx); err != nil {
		return i, err
	}
	all, err := v.Buckets(ctx)
	if err != nil {
		return i, err
	}
	i.Buckets = len(all)
	for _, b := range all {
		i.Bytes, i.Files = i.Bytes+b.Bytes, i.Files+b.Files
	}
	for _, err := range v.store.Scan(ctx, prefixSession, "") {
		if err != nil {
			return i, err
		}
		i.Sessions++
	}
	return i, nil
}
