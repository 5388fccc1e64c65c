package sync

import (
	"context"
	"runtime"
	gosync "sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/push"
	"plenum/homeserver/userdata"
	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

// maxWait bounds a long poll, whatever the client asks for.
const maxWait = 10 * time.Minute

// Sources are what a sync tells of.
type Sources struct {
	DB       *storage.DB
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
	buffers gosync.Pool // of *[]byte, in which answers are put together

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
	return &Syncer{Sources: from, filters: filters, members: members, draining: make(chan struct{})}, nil
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

	w := &waiter{s: s, until: q.Timeout}
	defer w.close()
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
		if !w.wait(ctx, t) {
			return answer, ctx.Err()
		}
	}
}

// request is a sync as it was asked for.
type request struct {
	s          *Syncer
	who        matrix.Principal
	filter     *filter.Filter
	since      rooms.Token     // what was told already; moves on while the sync waits
	confirmed  matrix.Position // what the client is known to have received
	initial    bool            // the client has nothing yet
	full       bool            // full_state
	stateAfter string
}

// all reports whether the client wants to be told of every room, whether or
// not something happened there.
func (r *request) all() bool { return r.initial || r.full }

func (s *Syncer) request(ctx context.Context, p matrix.Principal, q Query) (*request, error) {
	r := &request{s: s, who: p, initial: q.Since == "", full: q.FullState, stateAfter: q.StateAfter}
	switch q.SetPresence {
	case "", userdata.Online, userdata.Unavailable, userdata.Offline:
	default:
		return nil, matrix.Errorf(matrix.InvalidParam, "There is no presence %q.", q.SetPresence)
	}
	var err error
	if r.filter, err = s.filter(ctx, p.User, q.Filter); err != nil {
		return nil, err
	}
	if r.initial {
		s.members.clear(p)
		return r, nil
	}
	if r.since, err = rooms.ParseToken(q.Since); err != nil {
		return nil, err
	}
	if r.since.Pos > s.DB.Committed() {
		return nil, matrix.Errorf(matrix.InvalidParam, "That token is not of this server's past.")
	}
	if r.since.Serial > s.Data.Serial() { // the server's clock was set back
		r.since.Serial = 0
	}
	r.confirmed = r.since.Pos
	return r, nil
}

// turn is one look at what happened to a user between two tokens.
type turn struct {
	*request
	out         writer
	next        rooms.Token        // where the answer ends and the next one begins
	memberships []rooms.Membership // at next
	ignored     userdata.Users
	account     accountData // what changed
	everything  accountData // nil: was not needed yet
	mail        mail
}

// look takes in what there is to be told.
func (s *Syncer) look(ctx context.Context, r *request) (t *turn, err error) {
	t = &turn{request: r}
	for {
		t.next = rooms.Token{Pos: s.DB.Committed(), Serial: s.Data.Serial()}
		if t.memberships, err = s.Rooms.MembershipsOf(ctx, r.who.User); err != nil {
			return nil, err
		}
		if n := len(t.memberships); n == 0 || t.memberships[n-1].Pos <= t.next.Pos {
			break
		}
		runtime.Gosched() // a commit is being announced this very moment
	}
	if t.ignored, err = s.Data.Ignores(ctx, r.who.User); err != nil {
		return nil, err
	}
	if r.initial {
		t.account, err = t.wholeAccountData(ctx)
	} else {
		t.account, err = t.changedAccountData(ctx)
	}
	if err != nil {
		return nil, err
	}
	return t, t.readMail(ctx)
}
