package fusefs

// slots hands out small numbers for things and finds them by number. Its user
// has the lock.
type slots[T any] struct {
	all  []*T
	free []uint64
}

// put gives x a number, which may have been another's before.
func (s *slots[T]) put(x *T) uint64 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.all[i] = x
		return i
	}
	s.all = append(s.all, x)
	return uint64(len(s.all) - 1)
}

// get returns nil for a number that is not in use.
func (s *slots[T]) get(i uint64) *T {
	if i >= uint64(len(s.all)) {
		return nil
	}
	return s.all[i]
}

// drop takes the number back.
func (s *slots[T]) drop(i uint64) {
	s.all[i] = nil
	s.free = append(s.free, i)
}
