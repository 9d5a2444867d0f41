package namespace

import (
	"context"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// lifecycleKey is of the record that says when the rules were carried out last.
var lifecycleKey = settingKey("lifecycle")

// LifecycleRecord is that record.
type LifecycleRecord struct {
	Stamp
	Day int64 `cbor:"10,keyasint"` // since 1970, UTC
}

const day = Time(24 * time.Hour)

// dueAfter is when a number of days after a time has passed: S3 rounds up to the
// next midnight UTC ("Lifecycle rules: Based on an object's age").
func dueAfter(t Time, days int) Time {
	at := t + Time(days)*day
	if rest := at % day; rest > 0 {
		at += day - rest
	}
	return at
}

// runRulesDaily carries out the rules of all buckets if that was not done today.
// If it fails, the next day, or the next session, tries again.
func (v *Volume) runRulesDaily(ctx context.Context) error {
	today := int64(Now() / day)
	if v.rulesRun == today {
		return nil
	}
	if duty, err := v.onDuty(ctx); err != nil || !duty {
		return err
	}
	value, version, err := v.store.Get(ctx, lifecycleKey)
	if err != nil {
		return err
	}
	var last LifecycleRecord
	if !version.IsZero() {
		if err := decode(lifecycleKey, value, &last); err != nil {
			return err
		}
	}
	v.rulesRun = today
	if last.Day == today {
		return nil
	}
	return v.runRules(ctx)
}

// runRules carries out the rules of all buckets. What fails for one key does not
// stand in the way of the others; the next day tries it again.
func (v *Volume) runRules(ctx context.Context) error {
	now := Now()
	all, err := v.Buckets(ctx)
	if err != nil {
		return err
	}
	ran := false
	for _, b := range all {
		some, err := v.runRulesOf(ctx, b, now)
		if err != nil {
			return err
		}
		ran = ran || some
	}
	if !ran {
		return nil
	}
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.put(lifecycleKey, &LifecycleRecord{Day: int64(now / day)})
		return nil
	})
}

// runRulesOf carries out the rules of one bucket; false: it has none.
func (v *Volume) runRulesOf(ctx context.Context, b Bucket, now Time) (bool, error) {
	rec, err := v.readBucket(ctx, b.ID)
	if err != nil || rec == nil {
		return false, err
	}
	for i := range rec.Rules {
		if !rec.Rules[i].Enabled {
			continue
		}
		run := ruleRun{v: v, bucket: b, rule: &rec.Rules[i], now: now}
		if err := run.all(ctx); err != nil {
			return true, err
		}
	}
	return len(rec.Rules) > 0, nil
}

// ruleRun carries out one rule of one bucket.
type ruleRun struct {
	v      *Volume
	bucket Bucket
	rule   *LifecycleRule
	now    Time
}

func (r *ruleRun) all(ctx context.Context) error {
	if r.rule.ExpireAfterDays > 0 || r.rule.ExpireAt != 0 {
		if err := r.current(ctx); err != nil {
			return err
		}
	}
	if r.rule.NoncurrentDays > 0 || r.expiresMarkers() {
		if err := r.versions(ctx); err != nil {
			return err
		}
	}
	if r.rule.AbortDays > 0 {
		return r.uploads(ctx)
	}
	return nil
}

// passed says whether a number of days after a time has passed; 0 never does.
func (r *ruleRun) passed(t Time, days int) bool {
	return days > 0 && dueAfter(t, days) <= r.now
}

// matches says whether the rule is about an object.
func (r *ruleRun) matches(info *ObjectInfo) bool {
	if !hasVersions(info.Attr.Kind) {
		return false // directories are no objects to a rule
	}
	size := info.Attr.Size
	if size < r.rule.MinSize || r.rule.MaxSize > 0 && size >= r.rule.MaxSize {
		return false
	}
	for key, value := range r.rule.Tags {
		if info.Object == nil {
			return false
		}
		if has, ok := info.Object.Tags[key]; !ok || has != value {
			return false
		}
	}
	return true
}

// delete removes a key, or one of its versions, if the rule is still about it: a
// version that was old may be current by now. It says whether it is gone.
func (r *ruleRun) delete(ctx context.Context, info *ObjectInfo, version string) (gone bool, err error) {
	_, err = r.v.own.deleteKey(ctx, blockstore.Lazy, r.bucket.ID, info.Key, version, func(now *ObjectInfo) error {
		if now == nil || now.Latest != info.Latest || now.Modified != info.Modified || !now.Marker && !r.matches(now) {
			return blockstore.E("expire", info.Key, blockstore.Conflict, nil)
		}
		return nil
	})
	if err == nil || ctx.Err() != nil {
		return err == nil, err
	}
	if blockstore.KindOf(err) != blockstore.Conflict {
		r.v.log.Warn("a lifecycle rule failed for a key", "bucket", r.bucket.Name, "rule", r.rule.ID, "key", info.Key, "err", err)
	}
	return false, nil
}

// current expires current objects.
func (r *ruleRun) current(ctx context.Context) error {
	byDate := r.rule.ExpireAt != 0 && r.rule.ExpireAt <= r.now
	for l, err := range r.v.ListKeys(ctx, r.bucket.ID, ListKeys{Prefix: r.rule.Prefix}) {
		if err != nil {
			return err
		}
		if !r.matches(&l.ObjectInfo) || !byDate && !r.passed(l.Modified, r.rule.ExpireAfterDays) {
			continue
		}
		if _, err := r.delete(ctx, &l.ObjectInfo, ""); err != nil {
			return err
		}
	}
	return nil
}

// uploads aborts unfinished uploads.
func (r *ruleRun) uploads(ctx context.Context) error {
	for u, err := range r.v.ListUploads(ctx, r.bucket.ID, r.rule.Prefix, "", "") {
		if err != nil {
			return err
		}
		if !r.passed(u.Started, r.rule.AbortDays) {
			continue
		}
		if err := r.v.own.AbortUpload(ctx, u); err != nil && blockstore.KindOf(err) != blockstore.NotFound {
			return err
		}
	}
	return nil
}
