package gatewaylite

import (
	"hash"
	"sync/atomic"

	md5simd "github.com/minio/md5-simd"
)

// md5s computes the ETags of large bodies. MD5 costs more than all else of an upload,
// and several at once cost little more than one if a processor's lanes share them.
type md5s struct {
	server  atomic.Pointer[md5simd.Server] // nil: nobody serves
	working atomic.Int32                   // large bodies
}

// serve makes lanes available until stop is called; no body may be on its way then.
func (m *md5s) serve() (stop func()) {
	s := md5simd.NewServer()
	if !m.server.CompareAndSwap(nil, &s) {
		s.Close()
		return func() {}
	}
	return func() {
		m.server.Store(nil)
		s.Close()
	}
}

// begin returns a hash for a large body, and what ends it. nil: the ordinary one is
// quicker, because there is no other body.
func (m *md5s) begin() (h hash.Hash, end func()) {
	others := m.working.Add(1) > 1
	s := m.server.Load()
	if s == nil || !others {
		return nil, func() { m.working.Add(-1) }
	}
	lane := (*s).NewHash()
	return lane, func() {
		lane.Close()
		m.working.Add(-1)
	}
}
