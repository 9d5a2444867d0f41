package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
)

// table prints results as they come: a rate for each system, then cairn's rate
// as a part of each other system's.
type table struct {
	w       io.Writer
	systems []*system
}

func newTable(w io.Writer, systems []*system) *table {
	t := &table{w, systems}
	fmt.Fprintf(w, "%-24s %4s %-7s", "", "jobs", "")
	for _, s := range systems {
		fmt.Fprintf(w, " %10s", s.name)
	}
	for _, s := range t.others() {
		fmt.Fprintf(w, " %13s", "cairn/"+s.name)
	}
	fmt.Fprintln(w)
	return t
}

// others are the systems that cairn is compared with, if it is there.
func (t *table) others() []*system {
	if len(t.systems) == 0 || t.systems[0].name != "cairn" {
		return nil
	}
	return t.systems[1:]
}

func (t *table) add(r result) {
	fmt.Fprintf(t.w, "%-24s %4d %-7s", r.Row, r.Jobs, r.Unit)
	for _, s := range t.systems {
		fmt.Fprintf(t.w, " %10.0f", r.Rates[s.name])
	}
	for _, s := range t.others() {
		fmt.Fprintf(t.w, " %13.2f", r.ratio(s.name))
	}
	fmt.Fprintln(t.w)
}

func (r result) ratio(other string) float64 {
	return math.Round(100*r.Rates["cairn"]/r.Rates[other]) / 100
}

// writeJSON keeps the figures for comparison with another run.
func writeJSON(path string, results []result) error {
	b, err := json.MarshalIndent(map[string]any{
		"cpus": runtime.NumCPU(), "go": runtime.Version(), "results": results,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
