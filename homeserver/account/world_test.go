package account

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
)

// world is Accounts with a clock, rooms that only note what is asked of them,
// and one hook of each kind.
type world struct {
	*Accounts
	t     *testing.T
	db    *storage.DB
	clock *atomic.Int64 // ms
	told  *notes
}

func newWorld(t *testing.T, db *storage.DB, opt Options) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: new(atomic.Int64), told: &notes{news: make(chan struct{}, 1)}}
	w.clock.Store(1_700_000_000_000)
	w.restart(opt)
	return w
}

// restart begins anew over the same database, as a new process does.
func (w *world) restart(opt Options) {
	w.t.Helper()
	opt.ServerName = here
	opt.Now = func() time.Time { return time.UnixMilli(w.clock.Load()) }
	if opt.Passwords == (Passwords{}) {
		opt.Passwords = CheapPasswords()
	}
	store, err := accounts.New(w.t.Context(), w.db, accounts.Options{ServerName: here, Now: opt.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	hooks := Hooks{
		DevicesGone: []func(context.Context, *storage.Tx, id.UserID, []id.DeviceID) error{w.told.devicesGone},
		Gone:        []func(context.Context, id.UserID, bool) error{w.told.gone},
	}
	w.Accounts = New(store, w.told, hooks, opt, slog.New(slog.DiscardHandler))
}

// create opens an account whose password is "secret".
func (w *world) create(name string) id.UserID {
	w.t.Helper()
	user, err := w.Create(w.t.Context(), NewAccount{Name: name, Password: "secret"})
	if err != nil {
		w.t.Fatal(err)
	}
	return user
}

// login signs in with the password "secret".
func (w *world) login(name string, d NewDevice) Session {
	w.t.Helper()
	s, err := w.LoginByPassword(w.t.Context(), name, "secret", d)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// principal is whom an access token speaks for; nobody when it is not good.
func (w *world) principal(access string) matrix.Principal {
	w.t.Helper()
	p, err := w.Authenticate(w.t.Context(), access, nil)
	if err != nil && !isRefusal(err) {
		w.t.Fatal(err)
	}
	return p
}

// notes is what accounts have asked of others.
type notes struct {
	mu      sync.Mutex
	list    []string
	rooms   []rooms.Membership
	sent    []*rooms.Event
	failing bool
	news    chan struct{} // holds one value when something was noted
}

var errFailing = errors.New("rooms are out of order")

func (n *notes) note(s string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing {
		return errFailing
	}
	n.list = append(n.list, s)
	select {
	case n.news <- struct{}{}:
	default:
	}
	return nil
}

// await returns when there are at least count notes.
func (n *notes) await(t *testing.T, count int) {
	t.Helper()
	for {
		n.mu.Lock()
		enough := len(n.list) >= count
		n.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-n.news:
		case <-t.Context().Done():
			t.Fatal("others were not asked")
		}
	}
}

// SentBy has two events of everybody in room !said, until they are redacted.
func (n *notes) SentBy(_ context.Context, _ id.UserID, room id.RoomID, after matrix.Position, _ int) (all []*rooms.Event, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.sent {
		if e.Room == room && e.Pos > after {
			all = append(all, e)
		}
	}
	return all, nil
}

func (n *notes) Redact(_ context.Context, p matrix.Principal, q rooms.Redaction) (id.EventID, error) {
	return "", n.note("redact " + string(p.User) + " " + string(q.Event))
}

// take returns what was noted since the last call, in order.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

func (n *notes) fail(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failing = on
}

func (n *notes) SetProfile(_ context.Context, user id.UserID) error {
	return n.note("show " + string(user))
}

func (n *notes) MembershipsOf(context.Context, id.UserID) ([]rooms.Membership, error) {
	return n.rooms, nil
}

func (n *notes) Leave(_ context.Context, p matrix.Principal, c rooms.MemberChange) error {
	if c.Room == "!broken" {
		return matrix.Errorf(matrix.Forbidden, "never")
	}
	return n.note("leave " + string(p.User) + " " + string(c.Room))
}

func (n *notes) ShareRoom(_ context.Context, a, b id.UserID) (bool, error) {
	return a == ada && b == bob, nil
}

func (*notes) Knows(context.Context, string, id.UserID) (bool, error) { return false, nil }

func (n *notes) InOpenRoom(_ context.Context, user id.UserID) (bool, error) {
	return user == "@open:one.example", nil
}

func (n *notes) devicesGone(_ context.Context, _ *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	slices.Sort(devices)
	for _, d := range devices {
		if d == "stuck" {
			return errFailing
		}
	}
	return n.note("devices " + string(user) + " " + string(devices[0]))
}

func (n *notes) gone(_ context.Context, user id.UserID, erase bool) error {
	if erase {
		return n.note("erase " + string(user))
	}
	return n.note("gone " + string(user))
}
