package rooms_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

// town is several servers whose rooms ask each other directly, without a
// network in between that this package has nothing to do with.
type town struct {
	*testing.T
	mu     sync.Mutex
	houses map[string]*house
	cut    map[string]bool // servers that nobody reaches
	told   map[string]int  // how many events of a house's log each server was sent
	policy rooms.PolicySigner
}

// newTown starts servers on the engine of db.
func newTown(t *testing.T, servers ...string) *town {
	t.Helper()
	n := &town{T: t, houses: map[string]*house{}, cut: map[string]bool{}, told: map[string]int{}}
	for _, server := range servers {
		n.houses[server] = &house{T: t, db: storagetest.Open(t, storage.SQLite), profiles: &profiles{names: map[id.UserID]string{}}}
	}
	for _, server := range servers {
		n.reopen(server)
	}
	return n
}

// reopen throws away what a server has in memory, as a restart does.
func (n *town) reopen(server string) {
	n.Helper()
	h := n.houses[server]
	log, err := eventlog.New()
	if err != nil {
		n.Fatal(err)
	}
	opt := rooms.Options{
		ServerName: server, DefaultVersion: "12", Peers: link{n, server}, Keys: n, Policy: n.policy,
		Signer: event.NewSigner(server, "ed25519:1", n.key(server)),
	}
	if h.Rooms, err = rooms.New(h.db, log, h.profiles, opt, slog.New(slog.DiscardHandler)); err != nil {
		n.Fatal(err)
	}
}

// key is the signing key of a server.
func (n *town) key(server string) ed25519.PrivateKey {
	seed := make([]byte, 32)
	copy(seed, server)
	return ed25519.NewKeyFromSeed(seed)
}

var errCut = errors.New("no route")

func (n *town) reach(from, to string) (*house, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.houses[to]
	if h == nil || n.cut[from] || n.cut[to] {
		return nil, errCut
	}
	return h, nil
}

// Key implements rooms.Keys.
func (n *town) Key(_ context.Context, server, _ string, _ int64, _ bool) (ed25519.PublicKey, error) {
	if n.houses[server] == nil {
		return nil, errCut
	}
	return n.key(server).Public().(ed25519.PublicKey), nil
}

// link is what one server can ask the others.
type link struct {
	n    *town
	from string
}

func raws(evs []*rooms.Event) []json.RawMessage {
	out := make([]json.RawMessage, len(evs))
	for i, e := range evs {
		out[i] = e.PDU
	}
	return out
}

func ids(evs []*rooms.Event) []id.EventID {
	out := make([]id.EventID, len(evs))
	for i, e := range evs {
		out[i] = e.ID
	}
	return out
}

func edges(e *rooms.Event, name string) []id.EventID {
	var out []id.EventID
	for _, v := range gjson.GetBytes(e.PDU, name).Array() {
		if v.IsArray() {
			v = v.Get("0")
		}
		out = append(out, id.EventID(v.Str))
	}
	return out
}

func (h *house) chain(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	seen := map[id.EventID]bool{}
	var out []*rooms.Event
	for len(evs) > 0 {
		e := evs[0]
		evs = evs[1:]
		for _, ev := range edges(e, "auth_events") {
			if seen[ev] {
				continue
			}
			seen[ev] = true
			a, err := h.Event(ctx, ev)
			if err != nil {
				return nil, err
			}
			out, evs = append(out, a), append(evs, a)
		}
	}
	return out, nil
}

func (l link) stateAt(ctx context.Context, server string, room id.RoomID, ev id.EventID) (state, chain []*rooms.Event, err error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, nil, err
	}
	rm, err := h.Room(ctx, room)
	if err != nil {
		return nil, nil, err
	}
	e, err := h.Event(ctx, ev)
	if err != nil {
		return nil, nil, err
	}
	s, err := rm.StateBefore(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if state, err = s.Events(ctx, nil); err != nil {
		return nil, nil, err
	}
	chain, err = h.chain(ctx, state)
	return state, chain, err
}

func (l link) template(ctx context.Context, server string, room id.RoomID, user id.UserID, membership string) (*rooms.MemberTemplate, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	rm, err := h.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	key := string(user)
	content, _ := json.Marshal(map[string]string{"membership": membership})
	p := &event.PDU{Room: room, Sender: user, Type: "m.room.member", StateKey: &key, Content: content, Rules: rm.Rules()}
	var authEvents []id.EventID
	for _, k := range auth.Needed(p) {
		if e, err := rm.Current(ctx, k.Type, k.Key); err != nil {
			return nil, err
		} else if e != nil {
			authEvents = append(authEvents, e.ID)
		}
	}
	depth := int64(1)
	for _, ev := range rm.Heads() {
		e, err := h.Event(ctx, ev)
		if err != nil {
			return nil, err
		}
		depth = max(depth, e.Depth+1)
	}
	raw, err := json.Marshal(map[string]any{"prev_events": rm.Heads(), "auth_events": authEvents, "depth": depth, "content": json.RawMessage(content)})
	return &rooms.MemberTemplate{Version: rm.Version(), Event: raw}, err
}

func (l link) QueryDirectory(ctx context.Context, server string, alias id.RoomAlias) (id.RoomID, []string, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return "", nil, err
	}
	return h.Locate(ctx, alias)
}

func (l link) MakeJoin(ctx context.Context, server string, room id.RoomID, user id.UserID, _ []string) (*rooms.MemberTemplate, error) {
	return l.template(ctx, server, room, user, "join")
}

func (l link) MakeLeave(ctx context.Context, server string, room id.RoomID, user id.UserID) (*rooms.MemberTemplate, error) {
	return l.template(ctx, server, room, user, "leave")
}

func (l link) MakeKnock(ctx context.Context, server string, room id.RoomID, user id.UserID, _ []string) (*rooms.MemberTemplate, error) {
	return l.template(ctx, server, room, user, "knock")
}

func (l link) SendJoin(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage, _ bool) (*rooms.JoinAnswer, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	e, err := h.AcceptJoin(ctx, l.from, room, ev, pdu)
	if err != nil {
		return nil, err
	}
	state, chain, err := l.stateAt(ctx, server, room, ev)
	return &rooms.JoinAnswer{State: raws(state), Auth: raws(chain), Event: e.PDU}, err
}

func (l link) SendLeave(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) error {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return err
	}
	_, err = h.AcceptLeave(ctx, l.from, room, ev, pdu)
	return err
}

func (l link) SendKnock(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) ([]json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	e, err := h.AcceptKnock(ctx, l.from, room, ev, pdu)
	if err != nil {
		return nil, err
	}
	rm, err := h.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	return rm.StrippedFor(ctx, e)
}

func (l link) Invite(ctx context.Context, server string, room id.RoomID, ev id.EventID, version string, pdu json.RawMessage, stripped []json.RawMessage) (json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	return h.ReceiveInvite(ctx, l.from, room, ev, version, pdu, stripped)
}

func (l link) MissingEvents(ctx context.Context, server string, _ id.RoomID, known, latest []id.EventID, limit int) ([]json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	var out []*rooms.Event
	queue := latest
	for len(queue) > 0 && len(out) < limit {
		e, err := h.Event(ctx, queue[0])
		queue = queue[1:]
		if err != nil {
			continue
		}
		for _, ev := range edges(e, "prev_events") {
			if slices.Contains(known, ev) || slices.Contains(ids(out), ev) {
				continue
			}
			if p, err := h.Event(ctx, ev); err == nil {
				out, queue = append(out, p), append(queue, ev)
			}
		}
	}
	return raws(out), nil
}

func (l link) StateIDs(ctx context.Context, server string, room id.RoomID, at id.EventID) (_, _ []id.EventID, err error) {
	state, chain, err := l.stateAt(ctx, server, room, at)
	return ids(state), ids(chain), err
}

func (l link) State(ctx context.Context, server string, room id.RoomID, at id.EventID) (_, _ []json.RawMessage, err error) {
	state, chain, err := l.stateAt(ctx, server, room, at)
	return raws(state), raws(chain), err
}

func (l link) Event(ctx context.Context, server string, ev id.EventID) (json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	e, err := h.Event(ctx, ev)
	if err != nil {
		return nil, err
	}
	return e.PDU, nil
}

func (l link) EventAuth(ctx context.Context, server string, _ id.RoomID, ev id.EventID) ([]json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	e, err := h.Event(ctx, ev)
	if err != nil {
		return nil, err
	}
	chain, err := h.chain(ctx, []*rooms.Event{e})
	return raws(chain), err
}

func (l link) Backfill(ctx context.Context, server string, _ id.RoomID, from []id.EventID, limit int) ([]json.RawMessage, error) {
	h, err := l.n.reach(l.from, server)
	if err != nil {
		return nil, err
	}
	var out []*rooms.Event
	queue := from
	for len(queue) > 0 && len(out) < limit {
		e, err := h.Event(ctx, queue[0])
		queue = queue[1:]
		if err != nil || slices.Contains(ids(out), e.ID) {
			continue
		}
		out, queue = append(out, e), append(queue, edges(e, "prev_events")...)
	}
	return raws(out), nil
}

// deliver sends what each server has said in room, and nobody has heard, to
// the others in it. What the other refuses is told back.
func (n *town) deliver(room id.RoomID, servers ...string) (refused map[id.EventID]error) {
	n.Helper()
	refused = map[id.EventID]error{}
	for _, from := range servers {
		rm, err := n.houses[from].Room(n.Context(), room)
		if matrix.IsCode(err, matrix.NotFound) {
			continue
		}
		n.houses[from].must(err)
		evs, err := rm.After(n.Context(), -1<<62, 1<<62, 100_000)
		n.houses[from].must(err)
		for _, to := range servers {
			if to == from || n.cut[to] || n.cut[from] {
				continue
			}
			comes := func(e *rooms.Event) bool {
				is := e.Membership()
				return (is == "invite" || is == "join") && id.UserID(*e.StateKey).Homeserver() == to
			}
			in := !slices.ContainsFunc(evs, comes) // what was before is history for the other
			for _, e := range evs {
				in = in || comes(e)
				if !in || e.Handed || e.Sender.Homeserver() != from && !e.Relay {
					continue
				}
				if _, err := n.houses[to].Receive(n.Context(), from, e.PDU); err != nil {
					refused[e.ID] = err
				}
			}
		}
	}
	return refused
}
