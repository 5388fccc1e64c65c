package outbox_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers/outbox"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
)

func signerOf(server string) *event.Signer {
	return event.NewSigner(server, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32)))
}

// keys are the same for every server.
type keys struct{}

func (keys) Key(context.Context, string, string, int64, bool) (ed25519.PublicKey, error) {
	return ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey), nil
}

// noPeers answers nothing.
type noPeers struct{ rooms.Peers }

type profiles struct{}

func (profiles) MemberProfile(context.Context, id.UserID) (string, string, error) { return "", "", nil }

// office is rooms with an outbox, and words for what is done there.
type office struct {
	testing.TB
	*outbox.Outbox
	db    *storage.DB
	rooms *rooms.Rooms
	net   *network
	to    outbox.Client
	lists *lists
	opt   outbox.Options
	stop  func()
}

func open(t testing.TB, db *storage.DB, opt outbox.Options) *office {
	t.Helper()
	net := newNetwork()
	o := openTo(t, db, opt, net)
	o.net = net
	return o
}

// openTo is open with peers of the test's own.
func openTo(t testing.TB, db *storage.DB, opt outbox.Options, to outbox.Client) *office {
	t.Helper()
	opt.ServerName, opt.ListsTopic, opt.AwakeTopic = here, "lists", "awake"
	opt.Typing, opt.Receipts, opt.Presence = true, true, true
	o := &office{TB: t, db: db, opt: opt, to: to, lists: &lists{}}
	o.reopen()
	return o
}

// reopen makes everything anew, as a restart does, and runs it.
func (o *office) reopen() {
	o.Helper()
	log, err := eventlog.New()
	o.must(err)
	quiet := slog.New(slog.DiscardHandler)
	o.rooms, err = rooms.New(o.db, log, profiles{}, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: signerOf(here), Peers: noPeers{}, Keys: keys{},
	}, quiet)
	o.must(err)
	o.Outbox, err = outbox.New(o.Context(), o.db, o.rooms, o.lists, o.to, o.opt, quiet)
	o.must(err)
	o.run()
}

func (o *office) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	out := o.Outbox
	go func() { ended <- out.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			o.Error(err)
		}
	})
	o.stop = stop
	o.Cleanup(stop)
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func as(user id.UserID) matrix.Principal { return matrix.Principal{User: user, Device: "D"} }

// room is a public room of ada's that users of other servers have joined.
func (o *office) room(servers ...string) id.RoomID {
	o.Helper()
	room, err := o.rooms.Create(o.Context(), as(ada), rooms.CreateRequest{Preset: "public_chat"})
	o.must(err)
	for _, server := range servers {
		o.join(room, id.UserID("@cleo:"+server))
	}
	return room
}

// join lets a user of another server in.
func (o *office) join(room id.RoomID, user id.UserID) {
	o.Helper()
	server := user.Homeserver()
	template, err := o.rooms.MakeJoin(o.Context(), server, room, user, event.Versions())
	o.must(err)
	v := gjson.ParseBytes(template.Event)
	d := event.Draft{
		Room: room, Sender: user, Type: "m.room.member", StateKey: (*string)(&user), Content: json.RawMessage(v.Get("content").Raw),
		TS: time.Now().UnixMilli(), Depth: v.Get("depth").Int(),
	}
	for _, e := range v.Get("prev_events").Array() {
		d.Prev = append(d.Prev, id.EventID(e.Str))
	}
	for _, e := range v.Get("auth_events").Array() {
		d.Auth = append(d.Auth, id.EventID(e.Str))
	}
	rules, _ := event.RulesFor("12")
	p, err := event.Build(rules, d, signerOf(server))
	o.must(err)
	_, err = o.rooms.AcceptJoin(o.Context(), server, room, p.ID, p.JSON)
	o.must(err)
}

func (o *office) say(room id.RoomID, text string) id.EventID {
	o.Helper()
	ev, err := o.rooms.Send(o.Context(), as(ada), rooms.Draft{
		Room: room, Type: "m.room.message", Content: json.RawMessage(fmt.Sprintf(`{"body":%q}`, text)),
	})
	o.must(err)
	return ev
}

// sayAll says n things, and returns them.
func (o *office) sayAll(room id.RoomID, n int) (said []id.EventID) {
	o.Helper()
	for i := range n {
		said = append(said, o.say(room, fmt.Sprint(i)))
	}
	return said
}

// network is other servers.
type network struct {
	mu    sync.Mutex
	told  *sync.Cond
	down  map[string]bool          // do not answer
	until map[string]time.Time     // are left alone
	most  int                      // events that a peer takes at once; 0: any number
	hold  map[string]chan struct{} // answers wait for this
	got   map[string]*letterbox
}

// letterbox is what a server has got.
type letterbox struct {
	txns    map[string]bool
	ids     []string // of transactions, with repetitions
	events  []id.EventID
	edus    []gjson.Result
	repeats int // transactions that came again
	busy    bool
}

func newNetwork() *network {
	n := &network{down: map[string]bool{}, until: map[string]time.Time{}, hold: map[string]chan struct{}{}, got: map[string]*letterbox{}}
	n.told = sync.NewCond(&n.mu)
	return n
}

func (n *network) box(server string) *letterbox {
	b := n.got[server]
	if b == nil {
		b = &letterbox{txns: map[string]bool{}}
		n.got[server] = b
	}
	return b
}

var errDown = errors.New("down")

func (n *network) Send(ctx context.Context, server, txn string, body []byte) (map[id.EventID]string, error) {
	n.mu.Lock()
	b := n.box(server)
	b.ids = append(b.ids, txn)
	v := gjson.ParseBytes(body)
	events := v.Get("pdus").Array()
	if b.busy || !v.IsObject() || v.Get("origin").Str != here || len(events) > 50 || len(v.Get("edus").Array()) > 100 {
		panic("two transactions at once, or one that is not right: " + string(body[:min(len(body), 200)]))
	}
	if n.down[server] {
		n.told.Broadcast()
		n.mu.Unlock()
		return nil, errDown
	}
	if n.most > 0 && len(events) > n.most {
		n.mu.Unlock()
		return nil, &outbox.Refusal{Status: 413, Err: errors.New("too large")}
	}
	if b.txns[txn] {
		b.repeats++
	} else {
		b.txns[txn] = true
		for _, e := range events {
			b.events = append(b.events, idOf(e.Raw))
		}
		b.edus = append(b.edus, v.Get("edus").Array()...)
	}
	b.busy = true
	hold := n.hold[server]
	n.told.Broadcast()
	n.mu.Unlock()
	var err error
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	n.mu.Lock()
	b.busy = false
	n.mu.Unlock()
	return nil, err
}

func idOf(raw string) id.EventID {
	rules, _ := event.RulesFor("12")
	p, err := event.Parse(rules, []byte(raw))
	if err != nil {
		panic(err)
	}
	return p.ID
}

func (n *network) Until(server string) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.until[server]
}

func (n *network) set(server string, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[server] = down
}

// answers lets the answers of a server wait for hold, and a number of events
// be too many for it (0: none is).
func (n *network) answers(server string, hold chan struct{}, most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hold[server], n.most = hold, most
}

// wait waits until fn is satisfied with what a server has got.
func (n *network) wait(server string, fn func(*letterbox) bool) *letterbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.box(server)
	for !fn(b) {
		n.told.Wait()
	}
	c := *b
	c.events, c.edus, c.ids = slices.Clone(b.events), slices.Clone(b.edus), slices.Clone(b.ids)
	return &c
}

// waitFor waits until a server has got an event.
func (n *network) waitFor(server string, ev id.EventID) *letterbox {
	return n.wait(server, func(b *letterbox) bool { return slices.Contains(b.events, ev) })
}

// waitTry waits until a server was tried n times.
func (n *network) waitTry(server string, times int) {
	n.wait(server, func(b *letterbox) bool { return len(b.ids) >= times })
}

// waitEDU waits until a server has got an EDU of a type.
func (n *network) waitEDU(server, typ string) gjson.Result {
	var found gjson.Result
	n.wait(server, func(b *letterbox) bool {
		for _, e := range b.edus {
			if e.Get("edu_type").Str == typ {
				found = e.Get("content")
				return true
			}
		}
		return false
	})
	return found
}

// only keeps those of all that are among some.
func only(all, some []id.EventID) (out []id.EventID) {
	for _, ev := range all {
		if slices.Contains(some, ev) {
			out = append(out, ev)
		}
	}
	return out
}

// lists are device lists: a change is told as an EDU that says of whom.
type lists struct {
	mu      sync.Mutex
	changes []matrix.ListChange
}

func (l *lists) ListChanges(_ context.Context, after matrix.Position, _ int) (out []matrix.ListChange, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.changes {
		if c.Pos > after {
			out = append(out, c)
		}
	}
	return out, nil
}

func (l *lists) ListUpdates(_ context.Context, user id.UserID, since matrix.Position) ([]matrix.EDU, matrix.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	upto := since
	for _, c := range l.changes {
		if c.User == user {
			upto = c.Pos
		}
	}
	content := fmt.Sprintf(`{"since":%d,"user_id":%q}`, since, user)
	return []matrix.EDU{{Type: "m.device_list_update", Content: json.RawMessage(content)}}, upto, nil
}
