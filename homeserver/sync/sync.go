package sync

import (
	"context"
	gosync "sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/push"
	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

// Sources are what a sync tells of.
type Sources struct {
	DB       *storage.DB
	Sessions tell.Sessions // nil: they do not end
	Rooms    *rooms.Rooms
	Data     *userdata.Data
	Push     *push.Push
	Keys     *e2ee.Keys
	ToDevice *todevice.Sender
}

// Syncer answers syncs. Its methods may be called concurrently.
type Syncer struct {
	Sources
	filters *lru.Cache[string, *filter.Filter]
	members *memory
	stocks  *lru.Cache[deviceKey, *e2ee.Stock] // what each device was told last
	buffers gosync.Pool                        // of *[]byte, in which answers are put together

	drain    gosync.Once
	draining chan struct{}
}

// New returns a Syncer over what the sources of one database hold. The caller
// runs Run.
func New(from Sources) (*Syncer, error) {
	filters, err := newFilters()
	if err != nil {
		return nil, err
	}
	members, err := newMemory()
	if err != nil {
		return nil, err
	}
	stocks, err := lru.New[deviceKey, *e2ee.Stock](devicesRemembered)
	if err != nil {
		return nil, err
	}
	return &Syncer{Sources: from, filters: filters, members: members, stocks: stocks, draining: make(chan struct{})}, nil
}

// Run waits for ctx to end and then lets every sync that waits answer at once,
// so that a server that stops does not wait for them.
func (s *Syncer) Run(ctx context.Context) error {
	<-ctx.Done()
	s.drain.Do(func() { close(s.draining) })
	return nil
}

// Query is what a client asks for.
//
// Spec: client-server-api#get_matrixclientv3sync
type Query struct {
	Since       string        // token; empty: from the beginning
	Filter      string        // JSON, or the id of a stored filter; empty: none
	Timeout     time.Duration // how long to wait for news
	FullState   bool
	SetPresence string
	// StateAfter asks for the state after the timeline instead of the one
	// before it, under this name. Empty: does not.
	StateAfter string
}

// Sync answers a sync with JSON. Without news it waits for them.
func (s *Syncer) Sync(ctx context.Context, p matrix.Principal, q Query) (_ []byte, err error) {
	defer matrix.Wrap(&err, "sync")
	r, err := s.request(ctx, p, q)
	if err != nil {
		return nil, err
	}
	if err := r.acknowledge(ctx); err != nil {
		return nil, err
	}
	defer s.Data.Syncing(p, q.SetPresence)()

	w := &tell.Waiter{Bus: s.DB.Bus(), Sessions: s.Sessions, Who: p, Until: q.Timeout, Stop: s.draining}
	defer w.Close()
	for {
		t, err := s.look(ctx, r)
		if err != nil {
			return nil, err
		}
		answer, news, err := t.answer(ctx)
		if err != nil {
			return nil, err
		}
		if news || r.all() {
			return answer, nil
		}
		r.since = t.next // nothing in between concerns the user
		if again, err := w.Wait(ctx, t.topics); err != nil || !again {
			return answer, err
		}
	}
}
