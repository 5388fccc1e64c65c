package sliding

import (
	"context"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/push"
	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

const (
	// wantedCached bounds the compiled wishes for state in memory.
	wantedCached = 1000
	// directsCached bounds the users whose direct chats are known.
	directsCached = 10_000
)

// Sources are what is told of.
type Sources struct {
	DB       *storage.DB
	Sessions tell.Sessions // nil: they do not end
	Rooms    *rooms.Rooms
	Data     *userdata.Data
	Push     *push.Push
	Keys     *e2ee.Keys
	ToDevice *todevice.Sender
}

// Engine answers sliding syncs. Its methods may be called concurrently.
type Engine struct {
	Sources
	conns   *conns
	wishes  *lru.Cache[string, *wanted]
	chats   *lru.Cache[id.UserID, *directs]
	buffers sync.Pool // of *[]byte, in which answers are put together

	drain    sync.Once
	draining chan struct{}
}

// New returns an Engine over what the sources of one database hold. The caller
// runs Run.
func New(from Sources) (*Engine, error) {
	wishes, err := lru.New[string, *wanted](wantedCached)
	if err != nil {
		return nil, err
	}
	chats, err := lru.New[id.UserID, *directs](directsCached)
	if err != nil {
		return nil, err
	}
	return &Engine{Sources: from, conns: newConns(), wishes: wishes, chats: chats, draining: make(chan struct{})}, nil
}

// Run waits for ctx to end and then lets every request that waits be answered
// at once, so that a server that stops does not wait for them.
func (e *Engine) Run(ctx context.Context) error {
	<-ctx.Done()
	e.drain.Do(func() { close(e.draining) })
	return nil
}

// DevicesGone forgets the connections of devices that are signed out. It is an
// account.Hooks function.
func (e *Engine) DevicesGone(_ context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	tx.OnCommit(func() { e.conns.dropDevices(user, devices) })
	return nil
}

// Sync answers a request with JSON. Without news it waits for them, if the
// client has something already.
//
// Spec: todo MSC4186, once it is in a release
func (e *Engine) Sync(ctx context.Context, p matrix.Principal, q Request) (_ []byte, err error) {
	defer matrix.Wrap(&err, "sliding sync")
	if err := q.check(); err != nil {
		return nil, err
	}
	a := &ask{Engine: e, who: p}
	if a.question, err = e.compile(&q); err != nil {
		return nil, err
	}
	if a.conn, a.n, err = e.open(p, q); err != nil {
		return nil, err
	}
	defer e.Data.Syncing(p, q.SetPresence)()
	asking, leave, err := a.conn.enter(ctx)
	defer leave()
	var answer []byte
	if err == nil {
		answer, err = a.answer(asking, q.Timeout)
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(asking), errNewer) {
		return superseded(q.Pos), nil
	}
	return answer, err
}

// open returns the connection that q is on, and the number of the answer that
// it names.
func (e *Engine) open(p matrix.Principal, q Request) (*conn, int64, error) {
	key := keyOf(p, q.Conn)
	if q.Pos == "" {
		return e.conns.begin(key), 0, nil
	}
	t, err := rooms.ParseToken(q.Pos)
	if err != nil || t.Conn == "" || t.Answer == 0 {
		return nil, 0, unknownPos()
	}
	c, err := e.conns.find(key, t.Conn)
	return c, t.Answer, err
}

// ask is one request while it is being answered.
type ask struct {
	*Engine
	who      matrix.Principal
	question *question
	conn     *conn
	n        int64 // the answer that it names; 0: none
}

// initial reports whether the client has nothing yet.
func (a *ask) initial() bool { return a.n == 0 }

// answer answers a, whose turn it is. Without news it waits for them.
func (a *ask) answer(ctx context.Context, timeout time.Duration) ([]byte, error) {
	again, err := a.conn.arrive(a.n, a.question.digest)
	if err != nil || again != nil {
		return again, err
	}
	if err := a.acknowledge(ctx); err != nil {
		return nil, err
	}
	w := &tell.Waiter{Bus: a.DB.Bus(), Sessions: a.Sessions, Who: a.who, Until: timeout, Stop: a.draining}
	defer w.Close()
	for {
		t, err := a.look(ctx)
		if err != nil {
			return nil, err
		}
		answer, news, err := t.tell(ctx)
		if err != nil {
			return nil, err
		}
		again := false
		if !news && !a.initial() {
			again, err = w.Wait(ctx, t.topics)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if !again {
			a.give(&t.given, answer)
			return answer, nil
		}
	}
}

// answerKept is how long an answer may be that is kept for a client that asks
// again. A longer one is made again, and may tell of what happened meanwhile.
const answerKept = 256 << 10

// give notes what the client will have when answer arrives.
func (a *ask) give(g *given, answer []byte) {
	c := a.conn
	if !a.initial() && len(answer) <= answerKept { // nobody can ask for the first one again
		g.answer = answer
	}
	c.last, c.answers = g, g.n
	a.conns.grew(c, c.have.size()+250*len(g.rooms)+len(g.answer))
}

// superseded answers a request that nobody waits for any more.
func superseded(pos string) []byte {
	w := tell.Writer{Buf: []byte{'{'}}
	w.Name("pos")
	w.Text(pos)
	return append(w.Buf, `,"lists":{},"rooms":{},"extensions":{}}`...)
}
