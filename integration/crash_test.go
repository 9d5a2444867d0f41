package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cairnfs/cairn/integration/testenv"
)

// lazyDelay is how long after close a killed process may still take a file along:
// 10 ms, and what a machine adds to it that runs six writers and other tests on a
// few cores.
const lazyDelay = 10*time.Millisecond + 50*time.Millisecond

// TestKill kills the process at random moments while several writers work, over
// and over on one store, and then holds it to every promise that was made.
func TestKill(t *testing.T) {
	e := testenv.New(t)
	e.Must("format", "--history-time", "0s")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range killRounds {
		killOnce(t, e, random, fmt.Sprintf("round%d", round))
		if t.Failed() {
			return
		}
	}
}

// killOnce is one round: it ends with the mount checked and taken away.
func killOnce(t *testing.T, e *testenv.Env, random *rand.Rand, name string) {
	m := e.Mount()
	dir := filepath.Join(m.Dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writers := []writer{&closer{}, &saver{}, &rewriter{}, &pager{}, &streamer{}, &mover{}}
	var wg sync.WaitGroup
	for i, w := range writers {
		own := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		wg.Go(func() { w.write(dir, own) })
	}
	time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond) // the random moment
	killed := time.Now()
	m.Kill()
	wg.Wait()

	m = e.Mount()
	for _, w := range writers {
		if err := w.check(dir, killed.Add(-lazyDelay)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if random.IntN(3) == 0 {
		e.Sh(m.Dir, "rm -rf "+name)
	}
	m.Unmount()
	if r := e.Cairn("fsck"); r.Status != 0 {
		t.Errorf("%s: %s", name, r)
	}
}

// writer works until the file system fails, and knows afterwards what it was
// promised.
type writer interface {
	write(dir string, random *rand.Rand)
	// check looks at what is there now; lazily is the moment up to which what was
	// closed or renamed must have survived.
	check(dir string, lazily time.Time) error
}

// closer makes one file after another. What is there must be the first so many of
// them: every change before one that survived has survived too.
type closer struct {
	lengths []int
	synced  []bool
	closed  []time.Time
}

func (c *closer) path(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("closed%d", i))
}

func (c *closer) write(dir string, random *rand.Rand) {
	for i := 0; ; i++ {
		c.lengths = append(c.lengths, 1+random.IntN(1+random.IntN(200_000)))
		synced, err := create(c.path(dir, i), pattern(i, c.lengths[i]), random.IntN(8) == 0)
		c.synced = append(c.synced, synced)
		if err != nil {
			return
		}
		c.closed = append(c.closed, time.Now())
	}
}

// create reports also whether the sync was a success, whatever came after it.
func create(path string, content []byte, sync bool) (synced bool, err error) {
	f, err := os.Create(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return false, err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return false, err
		}
	}
	return sync, f.Close()
}

func (c *closer) check(dir string, lazily time.Time) error {
	missing := -1 // the first that is not whole
	for i, length := range c.lengths {
		got, err := os.ReadFile(c.path(dir, i))
		if err == nil {
			err = isPrefix(got, pattern(i, length))
		} else if os.IsNotExist(err) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
		whole := len(got) == length
		switch {
		case whole && missing >= 0:
			return fmt.Errorf("file %d is whole, and %d, which was closed before, is not", i, missing)
		case !whole && c.synced[i]:
			return fmt.Errorf("file %d was synced, and has %d bytes of %d", i, len(got), length)
		case !whole && i < len(c.closed) && c.closed[i].Before(lazily):
			return fmt.Errorf("file %d was closed %v before the limit, and has %d bytes of %d", i, lazily.Sub(c.closed[i]), len(got), length)
		}
		if !whole && missing < 0 {
			missing = i
		}
	}
	return nil
}

func isPrefix(got, whole []byte) error {
	if len(got) > len(whole) {
		return fmt.Errorf("%d bytes, and only %d were written", len(got), len(whole))
	}
	for i := range got {
		if got[i] != whole[i] {
			return fmt.Errorf("byte %d of %d was never written", i, len(got))
		}
	}
	return nil
}

// saver does what editors do, to one file.
type saver struct {
	saved []time.Time
}

const savedLength = 30_000

func (s *saver) write(dir string, _ *rand.Rand) {
	for v := 0; save(filepath.Join(dir, "saved"), pattern(v, savedLength)) == nil; v++ {
		s.saved = append(s.saved, time.Now())
	}
}

func (s *saver) check(dir string, lazily time.Time) error {
	atLeast := lastBefore(s.saved, lazily)
	got, err := os.ReadFile(filepath.Join(dir, "saved"))
	if os.IsNotExist(err) && atLeast < 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("version %d was renamed %v before the limit: %w", atLeast, lazily.Sub(s.saved[max(atLeast, 0)]), err)
	}
	v := version(got)
	if len(got) != savedLength || v < atLeast || v > len(s.saved) {
		return fmt.Errorf("saved file: version %d, %d bytes; want version %d to %d", v, len(got), atLeast, len(s.saved))
	}
	return isPrefix(got, pattern(v, savedLength))
}

// rewriter cuts one file to nothing and writes it anew, again and again.
type rewriter struct {
	lengths []int
	closed  []time.Time
}

func (r *rewriter) write(dir string, random *rand.Rand) {
	for v := 0; ; v++ {
		r.lengths = append(r.lengths, 1+random.IntN(300_000))
		if _, err := create(filepath.Join(dir, "rewritten"), pattern(v, r.lengths[v]), random.IntN(8) == 0); err != nil {
			return
		}
		r.closed = append(r.closed, time.Now())
	}
}

// check: what is there begins a version, and is the whole of it if no later one
// was begun. Nothing at all may be what the cutting left.
func (r *rewriter) check(dir string, lazily time.Time) error {
	atLeast := lastBefore(r.closed, lazily)
	got, err := os.ReadFile(filepath.Join(dir, "rewritten"))
	if os.IsNotExist(err) && atLeast < 0 {
		return nil
	}
	if err != nil {
		return err
	}
	last := len(r.lengths) - 1
	v := version(got)
	if len(got) < 8 {
		v = last // too short to tell
	}
	if v < atLeast || v > last || v == atLeast && v == last && len(got) < r.lengths[v] {
		return fmt.Errorf("rewritten file: version %d, %d bytes; want version %d to %d", v, len(got), atLeast, last)
	}
	if len(got) < 8 {
		return nil
	}
	return isPrefix(got, pattern(v, r.lengths[v]))
}

// lastBefore is the last of the moments that is before a limit; -1 if none is.
func lastBefore(moments []time.Time, limit time.Time) int {
	for i := len(moments) - 1; i >= 0; i-- {
		if moments[i].Before(limit) {
			return i
		}
	}
	return -1
}

// pager overwrites pages of one file in place, and syncs now and then.
type pager struct {
	tried, synced [pages]int // version of each page
}

const (
	pages    = 512
	pageSize = 4 << 10
)

func (p *pager) write(dir string, random *rand.Rand) {
	f, err := os.Create(filepath.Join(dir, "pages"))
	if err != nil {
		return
	}
	defer f.Close()
	for v := 1; ; v++ {
		page := random.IntN(pages)
		p.tried[page] = v
		if _, err := f.WriteAt(pageOf(v, page), int64(page)*pageSize); err != nil {
			return
		}
		if random.IntN(16) > 0 {
			continue
		}
		if f.Sync() != nil {
			return
		}
		p.synced = p.tried
	}
}

func (p *pager) check(dir string, _ time.Time) error {
	got, err := os.ReadFile(filepath.Join(dir, "pages"))
	if os.IsNotExist(err) && p.synced == [pages]int{} {
		return nil
	}
	if err != nil {
		return err
	}
	got = append(got, make([]byte, pages*pageSize-len(got))...) // what is past the end was not written
	for page := range pages {
		if err := p.checkPage(page, got[page*pageSize:][:pageSize]); err != nil {
			return fmt.Errorf("page %d: %w", page, err)
		}
	}
	return nil
}

func (p *pager) checkPage(page int, got []byte) error {
	v := version(got) / pages
	if version(got) < 0 { // a hole
		v = 0
	}
	if v < p.synced[page] || v > p.tried[page] {
		return fmt.Errorf("version %d, want %d to %d", v, p.synced[page], p.tried[page])
	}
	return isPrefix(got, pageOf(v, page))
}

// pageOf is the content of a version of a page; that of version 0 is zeros.
func pageOf(v, page int) []byte {
	if v == 0 {
		return make([]byte, pageSize)
	}
	return pattern(v*pages+page, pageSize)
}

// streamer writes one long file and never closes it.
type streamer struct {
	tried, synced int
}

func (s *streamer) write(dir string, random *rand.Rand) {
	f, err := os.Create(filepath.Join(dir, "stream"))
	if err != nil {
		return
	}
	defer f.Close()
	whole := pattern(0, streamLength)
	for s.tried < streamLength {
		n := min(1+random.IntN(300_000), streamLength-s.tried)
		s.tried += n
		if _, err := f.Write(whole[s.tried-n : s.tried]); err != nil {
			return
		}
		if random.IntN(10) > 0 {
			continue
		}
		if f.Sync() != nil {
			return
		}
		s.synced = s.tried
	}
}

const streamLength = 128 << 20

func (s *streamer) check(dir string, _ time.Time) error {
	got, err := os.ReadFile(filepath.Join(dir, "stream"))
	if os.IsNotExist(err) && s.synced == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if len(got) < s.synced {
		return fmt.Errorf("stream: %d bytes, and %d were synced", len(got), s.synced)
	}
	return isPrefix(got, pattern(0, s.tried))
}

// mover makes, renames, links and removes; the check of the volume has to find
// it in order.
type mover struct{}

func (mover) write(dir string, random *rand.Rand) {
	name := func() string { return filepath.Join(dir, fmt.Sprintf("move%d", random.IntN(20))) }
	for {
		var err error
		switch random.IntN(6) {
		case 0:
			err = os.Mkdir(name(), 0o755)
		case 1:
			err = os.Rename(name(), name())
		case 2:
			err = os.Rename(name(), filepath.Join(name(), "in"))
		case 3:
			err = os.Link(name(), name())
		case 4:
			err = os.WriteFile(name(), []byte("x"), 0o644)
		case 5:
			err = os.RemoveAll(name())
		}
		if err != nil && gone(dir) {
			return
		}
	}
}

func gone(dir string) bool {
	_, err := os.Lstat(dir)
	return err != nil
}

func (mover) check(string, time.Time) error { return nil }
