package rooms

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/delayed"
)

// Delayed is a delayed event whose time has come.
type Delayed struct {
	ID string // under which it was scheduled; its sender is shown it
	// Sent runs in the transaction that adds the event, and may run again. With
	// an error the event is not added.
	Sent func(ctx context.Context, tx *storage.Tx, ev id.EventID, pos matrix.Position) error
}

// sidelines are what is written beside the event of d.
func (d *Delayed) sidelines() []sideline {
	if d == nil {
		return nil
	}
	return []sideline{func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
		e := evs[0]
		if err := d.Sent(ctx, tx, e.ID, e.Pos); err != nil {
			return err
		}
		tx.OnCommit(func() { rm.r.delays.sent(e.Sender, e.Pos, d.ID) })
		return nil
	}}
}

// sendersCached bounds the users whose delayed events are known by their ids.
const sendersCached = 10_000

// delays knows which events were delayed ones, for as long as that is kept.
//
// Spec: todo MSC4140, delay_id in unsigned event data, once it is in a release
type delays struct {
	r  *Rooms
	by *lru.Cache[id.UserID, *delaysOf]
}

// delaysOf are those of one sender.
type delaysOf struct {
	mu     sync.Mutex
	loaded bool
	ids    map[matrix.Position]string
}

func newDelays(r *Rooms) (*delays, error) {
	by, err := lru.New[id.UserID, *delaysOf](sendersCached)
	return &delays{r: r, by: by}, err
}

func (d *delays) of(user id.UserID) *delaysOf {
	if of, ok := d.by.Get(user); ok {
		return of
	}
	of := &delaysOf{ids: map[matrix.Position]string{}}
	if known, ok, _ := d.by.PeekOrAdd(user, of); ok {
		return known
	}
	return of
}

// sent takes over that an event was sent. It runs in the log's writer.
func (d *delays) sent(user id.UserID, pos matrix.Position, delay string) {
	of := d.of(user)
	of.mu.Lock()
	defer of.mu.Unlock()
	of.ids[pos] = delay
}

// appendTo appends to the unsigned part of e, for user, as what it was
// scheduled, if they sent it and it was.
func (d *delays) appendTo(ctx context.Context, dst []byte, user id.UserID, e *Event) []byte {
	if e.Sender != user {
		return dst
	}
	delay := d.get(ctx, user, e.Pos)
	if delay == "" {
		return dst
	}
	for _, name := range []string{"delay_id", "org.matrix.msc4140.delay_id"} {
		dst = append(appendText(append(dst, ','), name), ':')
		dst = appendText(dst, delay)
	}
	return dst
}

func (d *delays) get(ctx context.Context, user id.UserID, pos matrix.Position) string {
	of := d.of(user)
	of.mu.Lock()
	loaded, known := of.loaded, of.ids[pos]
	of.mu.Unlock()
	if loaded || known != "" {
		return known
	}
	// Not under the lock: the writer must never wait for a read.
	var rows []delayed.SentRow
	err := d.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = delayed.SentBy(ctx, tx, user)
		return err
	})
	of.mu.Lock()
	defer of.mu.Unlock()
	if err != nil {
		return of.ids[pos] // a hint for the client's local echo, not worth failing for
	}
	for _, row := range rows {
		of.ids[row.Event] = row.ID
	}
	of.loaded = true
	return of.ids[pos]
}

// CheckLater refuses a draft that can be told never to become an event. Whether
// its sender may send it is asked when it is sent.
func (r *Rooms) CheckLater(ctx context.Context, p matrix.Principal, d Draft) error {
	rm, err := r.known(ctx, d.Room)
	if err != nil {
		return err
	}
	switch rm.MembershipOf(p.User) {
	case "join", "invite", "knock":
	default:
		return errNotInRoom()
	}
	if d.Type == "" {
		return matrix.Errorf(matrix.InvalidParam, "An event has a type.")
	}
	_, err = event.Build(rm.rules, event.Draft{
		Room: d.Room, Sender: p.User, Type: d.Type, StateKey: d.StateKey, Content: d.Content, TS: r.opt.Now().UnixMilli(), Depth: 1, Sticky: d.Sticky,
	}, r.opt.Signer)
	return err
}
