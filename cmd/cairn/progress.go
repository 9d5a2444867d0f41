package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// progress shows how far long work has come: one line that is rewritten on a
// terminal, else a line every half minute. It is used by one goroutine.
type progress struct {
	w     io.Writer
	every time.Duration
	live  bool // w is a terminal
	last  time.Time
	shown bool
}

func newProgress(w io.Writer) *progress {
	if terminal(w) {
		return &progress{w: w, live: true, every: 200 * time.Millisecond, last: time.Now()}
	}
	return &progress{w: w, every: 30 * time.Second, last: time.Now()}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// show says how far the work is, if it is time to.
func (p *progress) show(format string, args ...any) {
	if time.Since(p.last) < p.every {
		return
	}
	p.last, p.shown = time.Now(), true
	line := fmt.Sprintf(format, args...)
	if p.live {
		line = "\r\x1b[K" + line
	} else {
		line += "\n"
	}
	io.WriteString(p.w, line)
}

// clear takes the line off a terminal.
func (p *progress) clear() {
	if p.live && p.shown {
		io.WriteString(p.w, "\r\x1b[K")
	}
}
