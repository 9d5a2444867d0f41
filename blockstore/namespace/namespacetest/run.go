package namespacetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Opener opens a file system, with what was in it when it was last ended.
type Opener func() (fs FS, end func() error, err error)

// Turns is an FS with several ways in, which the steps of Run take in turn.
// Next is called before each step. What was done by one way must be visible by
// the one that it returns.
type Turns struct {
	FS
	Next func() (FS, error)
}

// Run plays a random script of so many steps on a file system and on the model,
// and fails the test at the first difference, with the shortest script that it
// finds to show one. fresh makes an empty file system, which is opened again
// and again in the course of the script.
func Run(t testing.TB, seed uint64, steps int, fresh func() Opener) {
	t.Helper()
	script := Script(seed, steps)
	played, err := Play(script, fresh())
	if err == nil {
		return
	}
	t.Errorf("seed %d: step %d of %d: %v", seed, played, steps, err)
	script, err = shrink(script[:min(played+1, len(script))], err, fresh)
	t.Fatalf("a short script that fails:\n%s\n%v", strings.Join(lines(script), "\n"), err)
}

// lines shows the end of a script.
func lines(script []Step) []string {
	const most = 60
	var l []string
	for i, s := range script[max(0, len(script)-most):] {
		l = append(l, fmt.Sprintf("%4d  %v", i+max(0, len(script)-most), s))
	}
	return l
}

// Play plays a script on a file system and on the model. It returns at the
// first difference, with the number of steps that went well.
func Play(script []Step, open Opener) (int, error) {
	l := &lockstep{open: open, model: NewModel(), moments: make(map[namespace.Time]namespace.Time)}
	l.model.now = func() namespace.Time { return l.start }
	l.begin()
	l.ours.fs = l.model
	l.model.root.looseMtime, l.model.root.looseCtime = true, true
	if err := l.reopen(); err != nil {
		return 0, err
	}
	for i, s := range script {
		if err := l.step(s); err != nil {
			return i, errors.Join(err, l.close())
		}
		if i%fullEvery == fullEvery-1 {
			if err := l.compareAll(); err != nil {
				return i, errors.Join(err, l.close())
			}
		}
	}
	err := l.compareAll()
	if err == nil {
		err = l.reopen()
	}
	if err == nil {
		err = l.compareAll()
	}
	return len(script), errors.Join(err, l.close())
}

// fullEvery is after how many steps everything is compared.
const fullEvery = 2500

// lockstep plays the same steps on a file system and on the model.
type lockstep struct {
	open   Opener
	fs     FS
	end    func() error
	model  Model
	ours   player // of the model
	theirs player

	// start is when the present step began: the time of all that the model
	// does in it. moments has the end of each step by its start.
	start   namespace.Time
	moments map[namespace.Time]namespace.Time
}

func (l *lockstep) begin() { l.start = max(namespace.Now(), l.start+1) }

func (l *lockstep) close() error {
	if l.end == nil {
		return nil
	}
	end := l.end
	l.end = nil
	return errors.Join(l.ours.closeAll(), l.theirs.closeAll(), end())
}

func (l *lockstep) reopen() error {
	if err := l.close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	fs, end, err := l.open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	l.fs, l.theirs.fs, l.end = fs, fs, end
	return nil
}

func (l *lockstep) turn() error {
	turns, ok := l.fs.(Turns)
	if !ok {
		return nil
	}
	next, err := turns.Next()
	if err == nil {
		l.theirs.fs = next
	}
	return err
}

func (l *lockstep) step(s Step) error {
	if s.Op == "reopen" {
		return l.reopen()
	}
	if err := l.turn(); err != nil {
		return err
	}
	l.begin()
	want := l.ours.play(s)
	got := l.theirs.play(s)
	l.moments[l.start] = namespace.Now()
	if err := same(s.Op, got, want); err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	if err := l.compareTouched(s); err != nil {
		return fmt.Errorf("after %v: %w", s, err)
	}
	return nil
}

// shrink leaves steps out for as long as there is still a failure: halves,
// quarters and so on, down to single steps.
func shrink(script []Step, err error, fresh func() Opener) ([]Step, error) {
	plays := 0
	for size := (len(script) + 1) / 2; size > 0; {
		shorter := false
		for at := 0; at < len(script) && plays < maxPlays; {
			rest := append(append([]Step(nil), script[:at]...), script[min(at+size, len(script)):]...)
			plays++
			played, failed := Play(rest, fresh())
			if failed == nil {
				at += size
				continue
			}
			script, err, shorter = rest[:min(played+1, len(rest))], failed, true
		}
		if size == 1 && (!shorter || plays >= maxPlays) {
			break
		}
		size = max(1, size/2)
	}
	return script, err
}

// maxPlays bounds the search for a short script.
const maxPlays = 1500
