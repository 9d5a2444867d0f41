package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// versions expires versions that are not current, and delete markers with nothing
// behind them. It goes through history key by key.
func (r *ruleRun) versions(ctx context.Context) error {
	after := ""
	for {
		key, list, err := r.nextVersions(ctx, after)
		if err != nil || key == "" {
			return err
		}
		after = historyPrefix(r.bucket.ID, key) + "\x00\x80" // past it
		at, err := r.v.findKey(ctx, r.bucket.ID, key, "")
		if err != nil && blockstore.KindOf(err) != blockstore.NotFound {
			return err
		}
		if err := r.versionsOf(ctx, list, at.node != nil); err != nil {
			return err
		}
	}
}

// versionsAtOnce is how many versions of one key a rule looks at: the oldest ones
// of a longer list go on later days.
const versionsAtOnce = 10_000

// nextVersions returns the versions in history of the next key that has some.
func (r *ruleRun) nextVersions(ctx context.Context, after string) (key string, list []ObjectInfo, err error) {
	for f, err := range r.v.historyFrom(ctx, historyPrefix(r.bucket.ID, r.rule.Prefix), after) {
		switch {
		case err != nil:
			return "", nil, err
		case !f.isVersion():
			continue
		case key != "" && f.Key != key || len(list) == versionsAtOnce:
			return key, list, nil
		}
		key = f.Key
		info := versionInfo(f.HistoryRecord)
		info.Attr.Ctime = f.HistoryRecord.Removed
		list = append(list, info)
	}
	return key, list, nil
}

// versionsOf carries the rule out on what history has of a key, newest first. A
// marker on top of a key without a current version is current itself.
func (r *ruleRun) versionsOf(ctx context.Context, list []ObjectInfo, current bool) error {
	top := !current && list[0].Marker
	left := len(list)
	for i := range list {
		info := &list[i]
		if i == 0 && top || r.kept(info, i, top) {
			continue
		}
		gone, err := r.delete(ctx, info, info.Version)
		if err != nil {
			return err
		}
		if gone {
			left--
		}
	}
	if top && left == 1 && len(list) < versionsAtOnce && r.expiresMarker(&list[0]) {
		_, err := r.delete(ctx, &list[0], list[0].Version)
		return err
	}
	return nil
}

// kept says whether the rule leaves the version in place i of history alone.
func (r *ruleRun) kept(info *ObjectInfo, i int, top bool) bool {
	if top {
		i--
	}
	return i < r.rule.KeepNewer || !r.passed(info.Attr.Ctime, r.rule.NoncurrentDays) ||
		!info.Marker && !r.matches(info)
}

// expiresMarkers says whether the rule is about delete markers behind which
// nothing is left: S3 takes them too with what expires by age.
func (r *ruleRun) expiresMarkers() bool {
	return r.rule.ExpireDeleteMarkers || r.rule.ExpireAfterDays > 0
}

func (r *ruleRun) expiresMarker(marker *ObjectInfo) bool {
	return r.rule.ExpireDeleteMarkers || r.passed(marker.Modified, r.rule.ExpireAfterDays)
}
