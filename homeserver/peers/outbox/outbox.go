package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

// Client brings a transaction to another server.
type Client interface {
	// Send returns what the peer said of events that it refused. An error that
	// is a *Refusal is the peer's answer to the transaction as a whole.
	Send(ctx context.Context, server, txn string, body []byte) (refused map[id.EventID]string, err error)
	// Until returns until when server is left alone, zero for not at all.
	Until(server string) time.Time
}

// ErrDenied is in the chain of errors about servers that this one never speaks
// to: what waits for them is dropped.
var ErrDenied = errors.New("outbox: this server is not spoken to")

// Refusal is the answer of a peer that does not take a transaction.
type Refusal struct {
	Status int // of HTTP
	Err    error
}

// Error is what the client said.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns what the client said.
func (r *Refusal) Unwrap() error { return r.Err }

// Lists are the device lists of the users of this server.
type Lists interface {
	// ListChanges returns up to limit changes after a position, in order.
	ListChanges(ctx context.Context, after matrix.Position, limit int) ([]matrix.ListChange, error)
	// ListUpdates returns what to tell a server about the devices of user that
	// knows them as they were at since, and as of when that is.
	ListUpdates(ctx context.Context, user id.UserID, since matrix.Position) ([]matrix.EDU, matrix.Position, error)
}

// Options are the settings of an Outbox. A zero field means its default.
type Options struct {
	ServerName string
	Typing     bool // tell others who types
	Receipts   bool // tell others what people have read
	Presence   bool // tell others who is there

	MaxQueue     int           // events that wait for one server one by one; 500
	MaxRefs      int           // events that wait for all servers one by one; 1,000,000
	MaxMail      int           // messages between devices that wait for one server; 50,000
	MaxEphemeral int           // receipts that wait for servers that are away; 100,000
	Workers      int           // transactions under way at the same time; 256
	Linger       time.Duration // how long receipts and presence wait for company; 500 ms
	SaveEvery    time.Duration // 1 s

	ListsTopic string // of the database's bus, told when a device list changed
	AwakeTopic string // of the database's bus, told when a server that was away spoke to us
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	o.MaxQueue = cmp.Or(o.MaxQueue, 500)
	o.MaxRefs = cmp.Or(o.MaxRefs, 1_000_000)
	o.MaxMail = cmp.Or(o.MaxMail, 50_000)
	o.MaxEphemeral = cmp.Or(o.MaxEphemeral, 100_000)
	o.Workers = cmp.Or(o.Workers, 256)
	o.Linger = cmp.Or(o.Linger, 500*time.Millisecond)
	o.SaveEvery = cmp.Or(o.SaveEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Outbox is what waits for other servers, and sends it. Its methods may be
// called concurrently.
type Outbox struct {
	db     *storage.DB
	rooms  *rooms.Rooms
	lists  Lists
	client Client
	opt    Options
	log    *slog.Logger

	ctx   context.Context // of Run; nil before
	wg    sync.WaitGroup  // of workers
	stats stats

	mu      sync.Mutex // guards what follows, peers included
	peers   map[string]*peer
	lined   line // peers whose turn it is
	retried line // the same, of those that did not answer last time
	working int
	probing int // workers that try a peer of retried

	refs      int                        // events that wait one by one
	ephemeral int                        // receipts that wait for servers that are away
	cursors   map[string]matrix.Position // how far each log has been followed
	saved     map[string]matrix.Position // the same, as the database knows it
	dirty     map[*peer]struct{}         // to be saved
	read      map[string]matrix.Position // mail that has arrived and is to be deleted
}

// New returns the outbox of db with what waited in it. The caller runs Run.
func New(ctx context.Context, db *storage.DB, r *rooms.Rooms, lists Lists, client Client, opt Options, log *slog.Logger) (*Outbox, error) {
	o := &Outbox{
		db: db, rooms: r, lists: lists, client: client, opt: opt.withDefaults(), log: log,
		peers: map[string]*peer{}, cursors: map[string]matrix.Position{}, dirty: map[*peer]struct{}{}, read: map[string]matrix.Position{},
	}
	if err := o.load(ctx); err != nil {
		return nil, err
	}
	if len(o.saved) == 0 {
		return o, o.save(ctx) // so that nothing after this is passed over
	}
	return o, nil
}

// Run sends until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	o.start(ctx)
	var parts sync.WaitGroup
	for _, part := range []func(context.Context){o.followEvents, o.followLists, o.listen, o.keepSaving} {
		parts.Go(func() { part(ctx) })
	}
	parts.Wait()
	o.stop()
	return o.save(context.WithoutCancel(ctx))
}

// start lets workers begin.
func (o *Outbox) start(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ctx = ctx
	for _, p := range o.peers {
		o.nudge(p)
	}
}

// stop waits for the workers.
func (o *Outbox) stop() {
	o.mu.Lock()
	for _, p := range o.peers {
		p.setTimer(nil)
	}
	o.mu.Unlock()
	o.wg.Wait()
}

// to returns what waits for a server. The caller holds mu.
func (o *Outbox) to(server string) *peer {
	p := o.peers[server]
	if p == nil {
		p = &peer{server: server, until: o.client.Until(server)}
		o.peers[server] = p
	}
	return p
}

// edu makes an EDU of a type of ours.
func edu(typ string, content any) matrix.EDU {
	raw, err := json.Marshal(content)
	if err != nil {
		raw = []byte("{}") // of strings and numbers only: it does not fail
	}
	return matrix.EDU{Type: typ, Content: raw}
}
