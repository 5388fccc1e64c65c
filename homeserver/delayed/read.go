package delayed

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/delayed"
)

// Info is a delayed event as its sender sees it. Times are in milliseconds.
type Info struct {
	ID        string
	Room      id.RoomID
	Type      string
	StateKey  *string // nil: a message event
	Content   json.RawMessage
	Delay     int64
	Scheduled int64           // when it began to wait
	Finalised int64           // 0: it waits still
	Event     id.EventID      // empty: it was not sent
	Error     json.RawMessage // why it could not be sent
}

// List returns what p has scheduled, in the order in which it will be sent.
func (e *Events) List(ctx context.Context, p matrix.Principal) ([]Info, error) {
	var events []store.Event
	err := e.db.Read(ctx, func(tx *storage.Tx) (err error) {
		events, err = store.Scheduled(ctx, tx, p.User)
		return err
	})
	out := make([]Info, 0, len(events))
	for i := range events {
		if scheduled, _, ok := e.times(events[i].ID); ok {
			events[i].Scheduled = scheduled
			out = append(out, infoOf(&events[i]))
		}
	}
	slices.SortFunc(out, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Scheduled+a.Delay, b.Scheduled+b.Delay), cmp.Compare(a.Scheduled, b.Scheduled), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

// Get returns a delayed event of p, also for some days after it was sent or
// cancelled.
func (e *Events) Get(ctx context.Context, p matrix.Principal, delayID string) (Info, error) {
	event, err := e.read(ctx, delayID)
	if err != nil {
		return Info{}, err
	}
	if event.User != p.User {
		return Info{}, errUnknown()
	}
	if scheduled, _, ok := e.times(delayID); ok {
		event.Scheduled = scheduled
	}
	info := infoOf(event)
	if info.Content == nil { // the event has it, as far as it was not redacted
		info.Content = json.RawMessage("{}")
		if sent, err := e.rooms.Event(ctx, info.Event); err == nil {
			info.Content = json.RawMessage(sent.Content().Raw)
		}
	}
	return info, nil
}

// read returns a delayed event, M_NOT_FOUND when there is none.
func (e *Events) read(ctx context.Context, delayID string) (*store.Event, error) {
	var event store.Event
	var ok bool
	err := e.db.Read(ctx, func(tx *storage.Tx) (err error) {
		event, ok, err = store.Get(ctx, tx, delayID)
		return err
	})
	if err == nil && !ok {
		err = errUnknown()
	}
	return &event, err
}

func infoOf(e *store.Event) Info {
	info := Info{
		ID: e.ID, Room: e.Room, Type: e.Type, StateKey: e.StateKey, Content: e.Content,
		Delay: e.Delay, Scheduled: e.Scheduled, Error: e.Error,
	}
	if e.Finalised != nil {
		info.Finalised = *e.Finalised
	}
	if e.EventID != nil {
		info.Event = *e.EventID
	}
	return info
}
