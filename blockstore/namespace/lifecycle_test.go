package namespace_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// rules sets up a bucket.
func rules(t *testing.T, s *namespacetest.Session, versioning string, rules ...namespace.LifecycleRule) {
	t.Helper()
	must(t, s.Volume.SetBucketConfig(t.Context(), s.Root, func(b *namespace.BucketRecord) error {
		b.Versioning, b.Rules = versioning, rules
		return nil
	}))
}

func put(t *testing.T, s *namespacetest.Session, key string, content []byte, o *namespace.Object) {
	t.Helper()
	c := s.Door.NewContent(t.Context())
	if _, err := c.Write(content); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Door.PutKey(t.Context(), s.Root, key, c, namespace.PutKey{Object: o}); err != nil {
		t.Fatal(err)
	}
}

// keys lists the versions of a bucket, a marker with a minus, the latest with a
// plus.
func keys(t *testing.T, s *namespacetest.Session) string {
	t.Helper()
	var b strings.Builder
	for l, err := range s.Volume.ListVersions(t.Context(), s.Root, namespace.ListVersions{}) {
		must(t, err)
		fmt.Fprintf(&b, " %s", l.Key)
		if l.Marker {
			b.WriteString("-")
		}
		if l.Latest {
			b.WriteString("+")
		}
	}
	return strings.TrimPrefix(b.String(), " ")
}

// beginIdle is begin for a test that sleeps for days.
func beginIdle(t *testing.T, store blockstore.Store, set namespace.Settings) *namespacetest.Session {
	t.Helper()
	s, err := namespacetest.Begin(store, set, namespace.Options{Exclusive: true, CollectEvery: time.Minute, FlushEvery: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.End()) })
	return s
}

// until sleeps to a moment after a number of days, and lets the collector see it.
func until(start time.Time, days, hours int) {
	time.Sleep(time.Until(start.Add(time.Duration(days*24+hours) * time.Hour)))
	time.Sleep(5 * time.Minute)
	synctest.Wait()
}

// TestExpiration: days count from the next midnight UTC on, and the rule takes
// only what it is about. The collector does it by itself.
func TestExpiration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC
		start := time.Now()
		s := beginIdle(t, memstore.New(), namespace.DefaultSettings())
		rules(t, s, "",
			namespace.LifecycleRule{Enabled: true, Prefix: "log/", ExpireAfterDays: 2, MinSize: 11},
			namespace.LifecycleRule{Enabled: true, Tags: map[string]string{"keep": "no"}, ExpireAt: namespace.TimeOf(start.Add(96 * time.Hour))},
			namespace.LifecycleRule{ExpireAfterDays: 1})
		must(t, s.Mkdir("log", 0755))
		time.Sleep(10 * time.Hour)
		for _, key := range []string{"log/a", "log/small", "other", "tagged"} {
			content := letters("x")
			if key == "log/small" {
				content = content[:10]
			}
			o := &namespace.Object{}
			if key == "tagged" {
				o.Tags = map[string]string{"keep": "no"}
			}
			put(t, s, key, content, o)
		}
		all := "log/ log/a+ log/small+ other+ tagged+"
		for _, c := range []struct {
			days, hours int
			want        string
		}{
			{2, 12, all}, // two days and ten hours are over, the day is not
			{3, 0, strings.Replace(all, " log/a+", "", 1)},
			{4, 0, "log/ log/small+ other+"},
		} {
			until(start, c.days, c.hours)
			if got := strings.Replace(keys(t, s), "log/+", "log/", 1); got != c.want {
				t.Errorf("after %d days and %d hours: %s, want %s", c.days, c.hours, got, c.want)
			}
		}
		if got := what(t, s, "home/tagged"); got != "X" {
			t.Errorf("history of what expired is %q", got)
		}
	})
}

// TestVersionExpiration: current ones get markers, old ones go but for the newest,
// and markers go when nothing is left behind them.
func TestVersionExpiration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store := memstore.New()
		s := beginIdle(t, store, noHistory)
		rules(t, s, namespace.VersioningEnabled, namespace.LifecycleRule{
			Enabled: true, Prefix: "a", ExpireAfterDays: 10, ExpireDeleteMarkers: true, NoncurrentDays: 5, KeepNewer: 1,
		})
		for range 3 {
			put(t, s, "a", letters("a"), nil)
			put(t, s, "b", letters("b"), nil)
		}
		for _, c := range []struct {
			days int
			want string
		}{
			{4, "a+ a a b+ b b"},
			{5, "a+ a b+ b b"},
			{10, "a-+ a b+ b b"},
		} {
			until(start, c.days, 1)
			if got := keys(t, s); got != c.want {
				t.Errorf("after %d days: %s, want %s", c.days, got, c.want)
			}
		}
		rules(t, s, namespace.VersioningEnabled, namespace.LifecycleRule{Enabled: true, ExpireDeleteMarkers: true, NoncurrentDays: 1})
		until(start, 12, 1)
		if got := keys(t, s); got != "b+" {
			t.Errorf("in the end: %s", got)
		}
	})
}

// TestExpirationSparesCurrent: a version that becomes current just before a rule
// takes it stays.
func TestExpirationSparesCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store := faultstore.New(memstore.New(), nil)
		s := beginIdle(t, store, noHistory)
		rules(t, s, namespace.VersioningEnabled, namespace.LifecycleRule{Enabled: true, NoncurrentDays: 1, ExpireDeleteMarkers: true})
		put(t, s, "a", letters("a"), nil)
		put(t, s, "a", letters("b"), nil)
		newest, err := s.Volume.StatKey(bg, s.Root, "a", "")
		must(t, err)
		done := false
		store.Set(func(op faultstore.Op) (none faultstore.Fault) {
			if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "h") && !done {
				done = true // the rule is about to remove the old one
				_, err := s.Door.DeleteKey(bg, s.Root, "a", newest.Version, nil)
				must(t, err)
			}
			return none
		})
		until(start, 3, 1)
		if got := keys(t, s); got != "a+" {
			t.Errorf("versions %q are left", got)
		}
	})
}

// TestUploadExpiration aborts what nobody completes.
func TestUploadExpiration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store := memstore.New()
		s := beginIdle(t, store, noHistory)
		rules(t, s, "", namespace.LifecycleRule{Enabled: true, Prefix: "a", AbortDays: 1})
		for _, key := range []string{"a", "b"} {
			u, err := s.Door.BeginUpload(t.Context(), namespace.Upload{Bucket: s.Root, Key: key})
			must(t, err)
			c := s.Door.NewContent(t.Context())
			if _, err := c.Write(letters(key)); err != nil {
				t.Fatal(err)
			}
			_, err = s.Door.PutPart(t.Context(), u, 1, c, namespace.Part{})
			must(t, err)
		}
		until(start, 2, 0)
		var left []string
		for u, err := range s.Volume.ListUploads(t.Context(), s.Root, "", "", "") {
			must(t, err)
			left = append(left, u.Key)
		}
		if strings.Join(left, " ") != "b" {
			t.Errorf("uploads %q are left", left)
		}
	})
}
