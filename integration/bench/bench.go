package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench runs the rows.
type bench struct {
	options
	source  string // the tree for rsync
	systems []*system
}

// result is one row at one number of jobs: a rate for each system.
type result struct {
	Row   string             `json:"row"`
	Jobs  int                `json:"jobs"`
	Unit  string             `json:"unit"`
	Rates map[string]float64 `json:"rates"`
}

func (b *bench) all(ctx context.Context) ([]result, error) {
	t := newTable(os.Stdout, b.systems)
	var results []result
	for _, w := range workloads {
		if !b.rows.MatchString(w.name) {
			continue
		}
		for _, jobs := range b.jobs {
			r, err := b.row(ctx, w, jobs)
			if err != nil {
				return results, err
			}
			results = append(results, r)
			t.add(r)
		}
	}
	return results, nil
}

// row measures one workload on all systems in turn.
func (b *bench) row(ctx context.Context, w workload, jobs int) (result, error) {
	rates := make(map[string][]float64)
	for round := range b.rounds {
		for i := range b.systems {
			s := b.systems[(i+round)%len(b.systems)]
			rate, err := b.measure(ctx, w, s, jobs)
			if err != nil {
				return result{}, fmt.Errorf("%s on %s: %w", w.name, s.name, err)
			}
			rates[s.name] = append(rates[s.name], rate)
		}
	}
	r := result{Row: w.name, Jobs: jobs, Unit: w.unit, Rates: make(map[string]float64)}
	for name, all := range rates {
		slices.Sort(all)
		r.Rates[name] = all[len(all)/2]
	}
	return r, nil
}

// measure runs a workload once on one system, in a fresh directory, and returns
// its rate per second.
func (b *bench) measure(ctx context.Context, w workload, s *system, jobs int) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	dir := filepath.Join(s.dir, "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	x := &run1{bench: b, dir: dir, jobs: jobs}
	if err := x.prepare(w); err != nil {
		return 0, err
	}
	if err := s.settle(ctx, w.cold); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := x.parallel(w.run)
	rate := float64(w.count(x)) / time.Since(begin).Seconds()
	if err != nil {
		return 0, err
	}
	return rate, os.RemoveAll(dir)
}
