package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
)

// result is one row at one number of jobs: a rate for each system, and cairn's
// as a part of each other one's.
type result struct {
	Row    string             `json:"row"`
	Jobs   int                `json:"jobs"`
	Unit   string             `json:"unit"`
	Size   int                `json:"size,omitempty"` // bytes of an object
	Rates  map[string]float64 `json:"rates"`
	Ratios map[string]float64 `json:"ratios"`
}

// table prints results as they come, and keeps them.
type table struct {
	w       io.Writer
	systems []string // of the rows that come
	results []result
	notes   []string
}

// head begins rows of other systems.
func (t *table) head(systems ...string) {
	t.systems = systems
	fmt.Fprintf(t.w, "%-24s %4s %-7s", "", "jobs", "")
	for _, name := range systems {
		fmt.Fprintf(t.w, " %10s", name)
	}
	for _, name := range t.others() {
		fmt.Fprintf(t.w, " %13s", "cairn/"+name)
	}
	fmt.Fprintln(t.w)
}

// others are the systems that cairn is compared with, if it is there.
func (t *table) others() []string {
	if !slices.Contains(t.systems, "cairn") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.systems), func(name string) bool { return name == "cairn" })
}

// add takes a row whose rates are those of the systems, in order. NaN: that system
// could not be measured.
func (t *table) add(r result, rates []float64) {
	r.Rates, r.Ratios = make(map[string]float64), make(map[string]float64)
	fmt.Fprintf(t.w, "%-24s %4d %-7s", r.Row, r.Jobs, r.Unit)
	for i, name := range t.systems {
		keep(r.Rates, name, rates[i])
		fmt.Fprintf(t.w, " %10s", figure(r.Rates, name, "%.0f"))
	}
	for _, name := range t.others() {
		keep(r.Ratios, name, math.Round(100*r.Rates["cairn"]/r.Rates[name])/100)
		fmt.Fprintf(t.w, " %13s", figure(r.Ratios, name, "%.2f"))
	}
	fmt.Fprintln(t.w)
	t.results = append(t.results, r)
}

// keep leaves out what JSON can't say.
func keep(m map[string]float64, name string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		m[name] = v
	}
}

func figure(m map[string]float64, name, format string) string {
	v, ok := m[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// note prints what one must know to read the rows.
func (t *table) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(t.w, "#", text)
	t.notes = append(t.notes, text)
}

// writeJSON keeps the figures for comparison with another run.
func (t *table) writeJSON(path string) error {
	b, err := json.MarshalIndent(map[string]any{
		"cpus": runtime.NumCPU(), "go": runtime.Version(), "results": t.results, "notes": t.notes,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
