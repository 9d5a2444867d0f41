package checksum

import (
	"bytes"
	"hash"
	"io"
)

// Reader hashes what it passes on, each algorithm once however many ask for it,
// and at the end of the body checks what was promised of it. Instead of an EOF it
// then gives the error of the first promise that was not kept, and the bytes of
// that last Read are not given out: nobody takes a wrong body for whole, unless
// he stops before the end of it. Not for concurrent use.
type Reader struct {
	src      io.Reader
	hashes   [count]hash.Hash
	sums     [count][]byte // once the end was reached
	promises []promise
	err      error // what every Read from now on gives
}

// promise is what the body's checksum has to be, and what to say if it is not.
type promise struct {
	algorithm Algorithm
	// want is asked at the end of the body, when its trailer is known.
	want   func() ([]byte, error)
	refuse func(got []byte) error
}

// NewReader reads src; Close closes src, if it can be closed.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Compute asks for checksums; before the first Read.
func (r *Reader) Compute(as ...Algorithm) {
	for _, a := range as {
		if a != None && r.hashes[a] == nil {
			r.hashes[a] = a.New()
		}
	}
}

// With computes an algorithm with a hash of the caller's; before the first Read.
func (r *Reader) With(a Algorithm, h hash.Hash) { r.hashes[a] = h }

// Expect promises the checksum of the body; before the first Read. refuse makes the
// error from what it was instead.
func (r *Reader) Expect(a Algorithm, want []byte, refuse func(got []byte) error) {
	r.expect(promise{a, func() ([]byte, error) { return want, nil }, refuse})
}

func (r *Reader) expect(p promise) {
	r.Compute(p.algorithm)
	r.promises = append(r.promises, p)
}

// Sum is a checksum of the whole body; nil before its end was reached or if
// nobody asked for it.
func (r *Reader) Sum(a Algorithm) []byte { return r.sums[a] }

// Read passes on the body.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.src.Read(p)
	for _, h := range r.hashes {
		if h != nil {
			h.Write(p[:n])
		}
	}
	if err == io.EOF {
		err = r.finish()
	}
	r.err = err
	if err != nil && err != io.EOF {
		n = 0
	}
	return n, err
}

// finish is what the end of the body gives: EOF if all promises were kept.
func (r *Reader) finish() error {
	for a, h := range r.hashes {
		if h != nil {
			r.sums[a] = h.Sum(nil)
		}
	}
	for _, p := range r.promises {
		want, err := p.want()
		if err != nil {
			return err
		}
		if got := r.sums[p.algorithm]; !bytes.Equal(got, want) {
			return p.refuse(got)
		}
	}
	return io.EOF
}

// Close closes what is read.
func (r *Reader) Close() error {
	if c, ok := r.src.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
