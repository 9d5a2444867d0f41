package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench runs the rows of the file systems.
type bench struct {
	options
	source  string // the tree for rsync
	systems []*system
}

// fileRows compares the file systems.
func fileRows(ctx context.Context, o options, base string, t *table) (err error) {
	wanted := slices.DeleteFunc(slices.Clone(workloads), func(w workload) bool { return !o.rows.MatchString(w.name) })
	if len(wanted) == 0 {
		return nil
	}
	if err := os.Mkdir(base, 0o755); err != nil {
		return err
	}
	systems, err := start(ctx, o, base)
	defer func() {
		for _, s := range systems {
			err = errors.Join(err, s.stop())
		}
	}()
	if err != nil || len(systems) == 0 {
		return err
	}
	b := &bench{options: o, source: filepath.Join(base, "tree"), systems: systems}
	if slices.ContainsFunc(wanted, func(w workload) bool { return w.name == rsyncRow }) {
		if err := makeTree(b.source, o.tree); err != nil {
			return err
		}
	}
	t.head(names(systems, func(s *system) string { return s.name })...)
	return b.all(ctx, wanted, t)
}

func names[T any](all []T, name func(T) string) []string {
	var list []string
	for _, one := range all {
		list = append(list, name(one))
	}
	return list
}

func (b *bench) all(ctx context.Context, wanted []workload, t *table) error {
	for _, w := range wanted {
		for _, jobs := range b.jobsOr(1, 4) {
			rates, err := inTurn(ctx, rounds{n: b.rounds}, len(b.systems), func(i int) (float64, error) {
				return b.measure(ctx, w, b.systems[i], jobs)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			t.add(result{Row: w.name, Jobs: jobs, Unit: w.unit}, rates)
		}
	}
	return nil
}

// rounds are how often a row is measured.
type rounds struct {
	n int
	// within is when no further round begins, after the beginning of the first; 0:
	// they all do.
	within time.Duration
}

// inTurn measures n systems in turn, some rounds of it, and returns the median
// rate of each. Each round begins with another system.
func inTurn(ctx context.Context, r rounds, n int, measure func(i int) (float64, error)) ([]float64, error) {
	all := make([][]float64, n)
	begin := time.Now()
	for round := range r.n {
		if round > 0 && r.within > 0 && time.Since(begin) > r.within {
			break
		}
		for k := range n {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := (k + round) % n
			rate, err := measure(i)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], rate)
		}
	}
	medians := make([]float64, n)
	for i, rates := range all {
		slices.Sort(rates)
		medians[i] = rates[len(rates)/2]
	}
	return medians, nil
}

// measure runs a workload once on one system, in a fresh directory, and returns
// its rate per second.
func (b *bench) measure(ctx context.Context, w workload, s *system, jobs int) (float64, error) {
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
		return 0, fmt.Errorf("on %s: %w", s.name, err)
	}
	return rate, os.RemoveAll(dir)
}
