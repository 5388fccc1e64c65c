package todevice

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/todevice"
)

// devicesCached bounds the devices whose queue is known without the database.
const devicesCached = 100_000

type deviceKey struct {
	user   id.UserID
	device id.DeviceID
}

// queue is what is known of the messages that wait for a device.
type queue struct {
	mu     sync.Mutex
	loaded bool
	count  int64
	first  matrix.Position // nothing waits below it
	last   matrix.Position // nothing waits above it; before first: nothing waits at all
}

func newQueues() (*lru.Cache[deviceKey, *queue], error) {
	return lru.New[deviceKey, *queue](devicesCached)
}

func (s *Sender) of(key deviceKey) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues.Get(key)
	if !ok {
		q = &queue{}
		s.queues.Add(key, q)
	}
	return q
}

// extent returns what waits for a device. It reads the log once.
func (s *Sender) extent(ctx context.Context, key deviceKey) (*queue, error) {
	q := s.of(key)
	q.mu.Lock()
	loaded := q.loaded
	q.mu.Unlock()
	if loaded {
		return q, nil
	}
	var e todevice.Extent
	err := s.db.Read(ctx, func(tx *storage.Tx) (err error) {
		e, err = todevice.Waiting(ctx, tx, key.user, key.device)
		return err
	})
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.loaded = true
	q.count = max(q.count, e.Count)
	q.last = max(q.last, e.Last) // a message may have come in meanwhile
	q.first = max(e.First, 1)
	return q, nil
}

// Pending returns the messages for a device with after < position <= upto, in
// order and at most limit, and the position up to which these are all.
func (s *Sender) Pending(ctx context.Context, user id.UserID, device id.DeviceID, after, upto matrix.Position, limit int) ([]todevice.Message, matrix.Position, error) {
	q, err := s.extent(ctx, deviceKey{user, device})
	if err != nil {
		return nil, 0, err
	}
	q.mu.Lock()
	quiet := q.last <= after
	q.mu.Unlock()
	if quiet {
		return nil, upto, nil
	}
	var msgs []todevice.Message
	err = s.db.Read(ctx, func(tx *storage.Tx) (err error) {
		msgs, err = todevice.Between(ctx, tx, user, device, after, upto, limit)
		return err
	})
	if err != nil || len(msgs) < limit {
		return msgs, upto, err
	}
	return msgs, msgs[len(msgs)-1].Pos, nil
}

// Acknowledge removes the messages for a device up to a position: the device
// has shown that they arrived.
func (s *Sender) Acknowledge(ctx context.Context, user id.UserID, device id.DeviceID, upto matrix.Position) error {
	q, err := s.extent(ctx, deviceKey{user, device})
	if err != nil {
		return err
	}
	q.mu.Lock()
	nothing := q.last < q.first || q.first > upto
	q.mu.Unlock()
	if nothing {
		return nil
	}
	return s.db.Write(ctx, func(tx *storage.Tx) error { return s.drop(ctx, tx, user, device, upto) })
}

// drop removes messages in tx, and counts what is left.
func (s *Sender) drop(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, upto matrix.Position) error {
	if err := todevice.DeleteUpTo(ctx, tx, user, device, upto); err != nil {
		return err
	}
	left, err := todevice.Waiting(ctx, tx, user, device)
	if err != nil {
		return err
	}
	q := s.of(deviceKey{user, device})
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.count, q.first = left.Count, max(left.First, upto+1)
	})
	return nil
}

// added takes over that a message was queued. It runs in the log's writer.
func (s *Sender) added(key deviceKey, pos matrix.Position) int64 {
	q := s.of(key)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	q.last = max(q.last, pos)
	return q.count
}
