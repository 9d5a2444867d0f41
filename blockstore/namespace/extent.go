package namespace

import (
	"slices"
	"sort"

	"github.com/cairnfs/cairn/blockstore"
)

func (e Extent) end() int64 { return e.Offset + e.Length }

// block is the block that the extent begins in.
func (e Extent) block() blockstore.BlockID {
	return blockstore.BlockID{Segment: e.Segment, Number: e.Number}
}

// isHole says whether the extent is a hole. Holes are only among what was
// changed and not yet committed.
func (e Extent) isHole() bool { return e.Segment.IsZero() }

// from is the extent without its first n bytes.
func (e Extent) from(n int64) Extent {
	at := int64(e.At) + n
	e.Offset, e.Length = e.Offset+n, e.Length-n
	if e.isHole() || e.block().Small() {
		e.At = int(at)
		return e
	}
	e.Number += uint32(at / int64(e.BlockSize))
	e.At = int(at % int64(e.BlockSize))
	return e
}

// clip is the part of the extent in [lo, hi); its length is 0 or less if there
// is none.
func (e Extent) clip(lo, hi int64) Extent {
	if e.Offset < lo {
		if lo >= e.end() {
			return Extent{}
		}
		e = e.from(lo - e.Offset)
	}
	e.Length = min(e.Length, hi-e.Offset)
	return e
}

// withoutHoles is the list as it is committed.
func (l ExtentList) withoutHoles() ExtentList {
	return slices.DeleteFunc(l, Extent.isHole)
}

// lastBlock is the number of the block that the extent ends in.
func (e Extent) lastBlock() uint32 {
	if e.block().Small() {
		return e.Number
	}
	return e.Number + uint32((int64(e.At)+e.Length-1)/int64(e.BlockSize))
}

// continues says whether f goes on where e ends, in the file and in its blocks,
// so that both can be one extent.
func (e Extent) continues(f Extent) bool {
	if e.Segment != f.Segment || e.end() != f.Offset || e.block().Small() != f.block().Small() {
		return false
	}
	if e.isHole() {
		return true
	}
	next := int64(e.At) + e.Length
	if e.block().Small() {
		return e.Number == f.Number && next == int64(f.At)
	}
	size := int64(e.BlockSize)
	return e.Number+uint32(next/size) == f.Number && next%size == int64(f.At)
}

// search is the place of the first extent that ends after off.
func (l ExtentList) search(off int64) int {
	return sort.Search(len(l), func(i int) bool { return l[i].end() > off })
}

// put lays an extent over the list, which it changes and returns.
func (l ExtentList) put(e Extent) ExtentList {
	if n := len(l); n == 0 || l[n-1].end() <= e.Offset {
		if n > 0 && l[n-1].continues(e) {
			l[n-1].Length += e.Length
			return l
		}
		return append(l, e)
	}
	first, last := l.search(e.Offset), l.search(e.end())
	var middle [3]Extent
	m := middle[:0]
	if l[first].Offset < e.Offset {
		m = append(m, l[first].clip(0, e.Offset))
	}
	m = append(m, e)
	after := last
	if last < len(l) && l[last].Offset < e.end() {
		m = append(m, l[last].clip(e.end(), l[last].end()))
		after = last + 1
	}
	return slices.Replace(l, first, after, m...).join(max(first-1, 0), first+len(m)+1)
}

// join makes one of the neighbours in l[lo:hi] that continue each other.
func (l ExtentList) join(lo, hi int) ExtentList {
	hi = min(hi, len(l))
	out := lo
	for i := lo + 1; i < hi; i++ {
		if l[out].continues(l[i]) {
			l[out].Length += l[i].Length
			continue
		}
		out++
		l[out] = l[i]
	}
	if out+1 < hi {
		return slices.Delete(l, out+1, hi)
	}
	return l
}

// cut drops what is in [lo, hi), leaving a hole.
func (l ExtentList) cut(lo, hi int64) ExtentList {
	if lo >= hi {
		return l
	}
	out := make(ExtentList, 0, len(l)+1)
	for _, e := range l {
		if e.end() <= lo || e.Offset >= hi {
			out = append(out, e)
			continue
		}
		if e.Offset < lo {
			out = append(out, e.clip(e.Offset, lo))
		}
		if e.end() > hi {
			out = append(out, e.clip(hi, e.end()))
		}
	}
	return out
}

// in is the part of the list in [lo, hi), as a new list.
func (l ExtentList) in(lo, hi int64) ExtentList {
	var out ExtentList
	for i := l.search(lo); i < len(l) && l[i].Offset < hi; i++ {
		out = append(out, l[i].clip(lo, hi))
	}
	return out
}

// over lays every extent of top over the list, which it changes and returns.
func (l ExtentList) over(top ExtentList) ExtentList {
	for _, e := range top {
		l = l.put(e)
	}
	return l
}

// regionRange is the bytes of a region.
func regionRange(r int64) (lo, hi int64) { return r * Region, (r + 1) * Region }

// byRegion calls do with the part of the extent in each region it runs through.
func (e Extent) byRegion(do func(region int64, part Extent)) {
	for r := e.Offset / Region; r*Region < e.end(); r++ {
		lo, hi := regionRange(r)
		do(r, e.clip(lo, hi))
	}
}
