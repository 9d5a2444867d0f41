package namespacetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Bucket is the bucket that a Session works in.
const Bucket = "home"

// Session is an open volume at work, with one door to its bucket.
type Session struct {
	Direct
	Volume *namespace.Volume

	stop   context.CancelFunc
	served chan error
}

// Begin opens the volume of a store, which it makes if there is none, and
// serves it.
func Begin(s blockstore.Store, set namespace.Settings, o namespace.Options) (*Session, error) {
	ctx := background()
	if err := namespace.Format(ctx, s, set); err != nil && !errors.Is(err, blockstore.Exists) {
		return nil, err
	}
	v, err := namespace.Open(ctx, s, o)
	if err != nil {
		return nil, err
	}
	b, err := v.CreateBucket(ctx, Bucket, namespace.NewNode{Mode: 0755})
	if errors.Is(err, blockstore.Exists) {
		b, err = v.Bucket(ctx, Bucket)
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- v.Serve(ctx) }()
	return &Session{Direct{Door: v.Door("test"), Root: b.ID}, v, stop, served}, nil
}

// Kill ends the session without notice: what no commit has yet is lost.
func (s *Session) Kill() error {
	s.stop()
	return <-s.served
}

// End ends the session, after a check of the whole volume.
func (s *Session) End() error {
	if err := s.Kill(); err != nil {
		return err
	}
	return errors.Join(s.Check(), s.Volume.Close(background()))
}

// Check says what is wrong with the volume.
func (s *Session) Check() error {
	var wrong []error
	_, err := s.Volume.Check(background(), namespace.CheckOptions{Data: true}, func(p namespace.Problem) {
		wrong = append(wrong, fmt.Errorf("check: %v", p))
	})
	return errors.Join(append(wrong, err)...)
}

// NewDoor is another way into the session's bucket.
func (s *Session) NewDoor() Direct {
	return Direct{Door: s.Volume.Door("other"), Root: s.Root}
}
