package namespace

import (
	"context"
	"fmt"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// DefaultSettings are those of a volume formatted without any.
func DefaultSettings() Settings {
	return Settings{HistoryTime: 24 * time.Hour, BlockSize: blockstore.MaxBlock}
}

func (s Settings) check() error {
	var why string
	switch {
	case s.HistoryTime < 0:
		why = "history-time must not be negative"
	case s.Leeway < 0:
		why = "leeway must not be negative"
	case s.BlockSize < blockstore.Granule || s.BlockSize > blockstore.MaxBlock || s.BlockSize&(s.BlockSize-1) != 0:
		why = fmt.Sprintf("block-size must be a power of two from %d to %d", blockstore.Granule, blockstore.MaxBlock)
	default:
		return nil
	}
	return blockstore.E("set", "settings", blockstore.Invalid, fmt.Errorf("%s", why))
}

// Settings are the present ones.
func (v *Volume) Settings() Settings {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.settings
}

// SetSettings replaces them durably; Invalid if one makes no sense.
func (v *Volume) SetSettings(ctx context.Context, set Settings) error {
	if err := set.check(); err != nil {
		return err
	}
	err := v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		value, _, err := tx.Get(settingKey("volume"))
		if err != nil {
			return err
		}
		var rec VolumeRecord
		if err := decode(settingKey("volume"), value, &rec); err != nil {
			return err
		}
		rec.Settings = set
		tx.put(settingKey("volume"), &rec)
		tx.Event(settingKey("volume"))
		return nil
	})
	if err != nil {
		return err
	}
	v.keepSettings(set)
	return nil
}

func (v *Volume) keepSettings(set Settings) {
	v.mu.Lock()
	v.settings = set
	v.mu.Unlock()
}

// reloadSettings takes in those that another session set.
func (v *Volume) reloadSettings(ctx context.Context) error {
	rec, err := readVolume(ctx, v.store)
	if err == nil {
		v.keepSettings(rec.Settings)
	}
	return err
}
