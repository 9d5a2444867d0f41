package gatewaylite

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// parsed remembers what the documents of buckets mean: every request asks for
// its bucket's, and they rarely change.
type parsed[T any] struct {
	parse  func(bucket string, doc []byte) (T, error)
	recent *lru.Cache[parsedKey, T]
}

type parsedKey struct {
	bucket string
	sum    [sha256.Size]byte
}

func newParsed[T any](parse func(string, []byte) (T, error)) *parsed[T] {
	c, err := lru.New[parsedKey, T](64)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &parsed[T]{parse, c}
}

func (p *parsed[T]) get(bucket string, doc []byte) (T, error) {
	key := parsedKey{bucket, sha256.Sum256(doc)}
	if v, ok := p.recent.Get(key); ok {
		return v, nil
	}
	v, err := p.parse(bucket, doc)
	if err == nil {
		p.recent.Add(key, v)
	}
	return v, err
}
