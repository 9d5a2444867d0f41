package auth

import "sync"

// maxKeys bounds the signing keys that are remembered: those of so many users on
// one day.
const maxKeys = 1024

// keyCache remembers signing keys, which take four HMACs to make and are good for
// a day.
type keyCache struct {
	mu   sync.RWMutex
	keys map[derived][]byte
}

// derived is what a signing key is made from: a changed secret has other keys.
type derived struct {
	secret, day, region string
}

func (c *keyCache) get(cred credential, secret string) []byte {
	from := derived{secret, cred.day, cred.region}
	c.mu.RLock()
	key := c.keys[from]
	c.mu.RUnlock()
	if key != nil {
		return key
	}
	key = cred.signingKey(secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[derived][]byte) // yesterday's go too
	}
	c.keys[from] = key
	return key
}
