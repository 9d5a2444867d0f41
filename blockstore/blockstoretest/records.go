package blockstoretest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var recordProperties = []property{
	{"RecordKeys", testRecordKeys},
	{"RecordSizes", testRecordSizes},
	{"RecordOwnership", testRecordOwnership},
	{"RecordVersions", testRecordVersions},
	{"ScanAbandoned", testScanAbandoned},
	{"ScanUnderChange", testScanUnderChange},
}

// oddKeys are keys that a careless encoding would confuse or misplace.
func oddKeys() []string {
	keys := []string{strings.Repeat("\xff", blockstore.MaxKey), strings.Repeat("\x00", blockstore.MaxKey)}
	parts := []string{"", "\x00", "\x01", "a", "b", "/", "\xfe", "\xff"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				keys = append(keys, a+b+c)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)[1:] // but the empty one
}

func testRecordKeys(h *harness) {
	keys := oddKeys()
	versions := make(map[string]blockstore.Version)
	for i := range keys {
		key := keys[i*7919%len(keys)]
		versions[key] = h.put(key, "value of "+key)
	}
	if len(versions) != len(keys) {
		h.Fatalf("put %d keys of %d", len(versions), len(keys))
	}
	for _, key := range keys {
		h.holds(key, "value of "+key, versions[key])
	}
	for i, key := range append(keys, "") {
		checkScan(h, keys, key, "")
		checkScan(h, keys, "", key)
		checkScan(h, keys, key, keys[i*31%len(keys)])
	}
	for _, r := range h.scan("", "") {
		if string(r.Value) != "value of "+r.Key || r.Version != versions[r.Key] {
			h.Fatalf("scanned %q as %q at %v, want it at %v", r.Key, r.Value, r.Version, versions[r.Key])
		}
	}
}

// checkScan holds a scan to what the contract makes of all the keys.
func checkScan(h *harness, keys []string, prefix, after string) {
	h.Helper()
	var want []string
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) && key > after {
			want = append(want, key)
		}
	}
	if got := scannedKeys(h.scan(prefix, after)); !slices.Equal(got, want) {
		h.Fatalf("scan of %q after %q: %d keys %.200q, want %d keys %.200q", prefix, after, len(got), got, len(want), want)
	}
}

func scannedKeys(rs []blockstore.Record) []string {
	var keys []string
	for _, r := range rs {
		keys = append(keys, r.Key)
	}
	return keys
}

func testRecordSizes(h *harness) {
	big := string(content(blockstore.BlockID{}, blockstore.MaxValue))
	v := h.put("big", big)
	h.holds("big", big, v)
	v = h.put("empty", "")
	h.holds("empty", "", v)
	if rs := h.scan("empty", ""); len(rs) != 1 || len(rs[0].Value) != 0 || rs[0].Version != v {
		h.Fatalf("scanned %v, want the one empty record at %v", rs, v)
	}
	v = h.put("big", "small")
	h.holds("big", "small", v)
}

// The caller's slices are its own after Commit, and values that were read stay
// as they were.
func testRecordOwnership(h *harness) {
	c := blockstore.Change{
		Writes: []blockstore.Write{write("a", "first"), write("b", "first")},
		Events: []string{"a", "b"},
	}
	from := h.head()
	h.commit(c)
	got, _ := h.get("a")
	scanned := h.scan("", "")
	for i := range c.Writes {
		scribble(c.Writes[i].Value)
		c.Writes[i].Key = "scribbled"
		c.Events[i] = "scribbled"
	}
	h.put("a", "other")
	h.delete("b")
	if string(got) != "first" || string(scanned[0].Value) != "first" || string(scanned[1].Value) != "first" {
		h.Fatalf("values became %q and %q, %q", got, scanned[0].Value, scanned[1].Value)
	}
	if e := h.watch(from, 1)[0]; !slices.Equal(e.Keys, []string{"a", "b"}) {
		h.Fatalf("event is about %q, want a and b", e.Keys)
	}
}

// A record never has the same version twice, however it came to its value.
func testRecordVersions(h *harness) {
	seen := map[blockstore.Version]int{{}: -1}
	fresh := func(step int, v blockstore.Version) {
		h.Helper()
		if old, again := seen[v]; again {
			h.Fatalf("step %d took version %v of step %d again", step, v, old)
		}
		seen[v] = step
	}
	for i := range 100 {
		switch i % 5 {
		case 0, 1:
			v := h.put("k", "same")
			h.holds("k", "same", v)
			fresh(i, v)
		case 2:
			h.delete("k")
			h.absent("k")
		case 3:
			v := h.commit(blockstore.Change{Adds: []blockstore.Add{{Key: "k", Value: 0}}})
			fresh(i, v)
			if _, got := h.get("k"); got != v {
				h.Fatalf("after an add the record is at %v, want %v", got, v)
			}
		case 4:
			h.delete("k")
			h.reopen()
		}
	}
}

func testScanAbandoned(h *harness) {
	for i := range 50 {
		h.put(fmt.Sprint("k", i), "v")
	}
	for range 20 {
		for r, err := range h.store.Scan(h.ctx, "k", "") {
			h.ok(err)
			h.put(r.Key, "changed in the scan")
			break
		}
	}
	h.delete("k0")
	if n := len(h.scan("k", "")); n != 49 {
		h.Fatalf("%d records, want 49", n)
	}
}

// Scans see what stays exactly once and in order, while others come and go.
func testScanUnderChange(h *harness) {
	const stay = 100
	for i := range stay {
		h.put(fmt.Sprintf("k%03d", i), "stays")
	}
	var g errgroup.Group
	done := make(chan struct{})
	g.Go(func() error {
		w := blockstore.NewWriter(h.store, blockstore.NewID())
		for i := 0; ; i = (i + 37) % stay {
			select {
			case <-done:
				return nil
			default:
			}
			_, err := w.Update(h.ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
				tx.Put(fmt.Sprintf("k%03d+%d", i, i%7), []byte("comes"))
				tx.Delete(fmt.Sprintf("k%03d+%d", (i+50)%stay, i%7))
				tx.Put(fmt.Sprintf("k%03d", i), []byte("stays"))
				return nil
			})
			if err != nil {
				return err
			}
		}
	})
	g.Go(func() error {
		defer close(done)
		for range 50 {
			if err := scanOnce(h, stay); err != nil {
				return err
			}
		}
		return nil
	})
	h.ok(g.Wait())
}

func scanOnce(h *harness, stay int) error {
	last, found := "", 0
	for r, err := range h.store.Scan(h.ctx, "k", "") {
		if err != nil {
			return err
		}
		if r.Key <= last {
			return fmt.Errorf("%q after %q", r.Key, last)
		}
		last = r.Key
		if bytes.Equal(r.Value, []byte("stays")) {
			found++
		}
	}
	if found != stay {
		return fmt.Errorf("saw %d records of the %d that stay", found, stay)
	}
	return nil
}
