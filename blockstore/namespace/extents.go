package namespace

import (
	"math"
	"slices"
)

// How a manifest spreads its extents.
const (
	// mostRuns is how many extents stand in a node before regions get records
	// of their own. Extents longer than a region don't count for that, until
	// there are manyRuns.
	mostRuns = 32
	manyRuns = 8192
	// mostPerRegion is how many extents a region may have, at the most, before
	// it is written again as one run.
	mostPerRegion = 640
	// spillAt is how many extents a region that was written to may have before
	// it gets a record of its own.
	spillAt = 8
)

// mostIn is mostPerRegion for one region: somewhat less for most, so that the
// regions of a file that is written to all over are not all due at once.
func mostIn(r int64) int {
	const spread = 256
	return mostPerRegion - int(uint64(r)*0x9e3779b97f4a7c15>>32%spread)
}

// regionRecord is a region's record as this change leaves it: changed holds
// those that it has written so far.
func (tx *tx) regionRecord(m *Manifest, r int64, changed map[int64]ExtentList) (ExtentList, bool, error) {
	if list, ok := changed[r]; ok {
		return list, true, nil
	}
	if !m.Spilled {
		return nil, false, nil
	}
	if tx.known != nil {
		if x, ok := tx.known(r); ok {
			return x.list, x.own, nil
		}
	}
	return tx.v.readRegion(tx.Context(), m.ID, r)
}

func (tx *tx) putRegion(m *Manifest, r int64, list ExtentList, changed map[int64]ExtentList) {
	tx.put(extentsKey(m.ID, r), &ExtentsRecord{List: list})
	changed[r] = list
	m.Spilled = true
}

// layRegion lays extents over one region of a manifest.
func (tx *tx) layRegion(m *Manifest, r int64, top ExtentList, changed map[int64]ExtentList) error {
	lo, hi := regionRange(r)
	list, have, err := tx.regionRecord(m, r, changed)
	if err != nil {
		return err
	}
	if !have {
		if list, err = tx.v.runsIn(tx.Context(), m, r); err != nil {
			return err
		}
	}
	list = slices.Clone(list).over(top).withoutHoles()
	if have || m.Paged || len(list) > spillAt {
		tx.putRegion(m, r, list, changed)
		if !have {
			m.Runs = m.Runs.dropRegion(r)
		}
		return nil
	}
	if i := m.Runs.search(lo); i < len(m.Runs) && m.Runs[i].Offset < hi {
		m.Runs = m.Runs.cut(lo, hi)
	}
	m.Runs = m.Runs.over(list)
	return nil
}

// dropRegion forgets the runs of a region that has a record now. A run that
// goes through it is left alone: it would become two.
func (l ExtentList) dropRegion(r int64) ExtentList {
	lo, hi := regionRange(r)
	i := l.search(lo)
	if i < len(l) && l[i].Offset < lo && l[i].end() > hi {
		return l
	}
	return l.cut(lo, hi)
}

// spill gives records to the regions with the most runs until few are left.
func (tx *tx) spill(m *Manifest, changed map[int64]ExtentList) error {
	for len(m.Runs) > mostRuns {
		r, count := m.Runs.crowded()
		if count < 2 && len(m.Runs) <= manyRuns {
			return nil
		}
		_, have, err := tx.regionRecord(m, r, changed)
		if err != nil {
			return err
		}
		lo, hi := regionRange(r)
		if !have {
			tx.putRegion(m, r, m.Runs.in(lo, hi), changed)
		}
		m.Runs = m.Runs.cut(lo, hi)
	}
	return nil
}

// crowded is the region that most runs lie within, and how many do.
func (l ExtentList) crowded() (region int64, count int) {
	run := 0
	for i, e := range l {
		r := e.Offset / Region
		if i == 0 || l[i-1].Offset/Region != r {
			run = 0
		}
		if run++; run > count {
			region, count = r, run
		}
	}
	return region, count
}

// cutOff drops what a manifest has from an offset on.
func (tx *tx) cutOff(m *Manifest, keep int64, changed map[int64]ExtentList) error {
	if keep >= m.Size {
		return nil
	}
	m.Runs = m.Runs.cut(keep, math.MaxInt64)
	if !m.Spilled {
		return nil
	}
	first := keep / Region
	after := extentsKey(m.ID, max(first-1, 0))
	for rec, err := range tx.v.store.Scan(tx.Context(), extentsPrefix(m.ID), after) {
		if err != nil {
			return err
		}
		if r, ok := regionOf(rec.Key); ok && r > first {
			tx.Delete(rec.Key)
			changed[r] = ExtentList{}
		}
	}
	list, have, err := tx.regionRecord(m, first, changed)
	if err != nil {
		return err
	}
	if have {
		tx.putRegion(m, first, list.cut(keep, math.MaxInt64), changed)
	}
	err = tx.cutPages(m, keep)
	m.Size = keep
	return err
}
