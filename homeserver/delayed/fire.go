package delayed

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/delayed"
)

// errGone says that an event is not scheduled any more.
var errGone = errors.New("delayed: not scheduled any more")

const (
	// triesMost is how often it is tried to send an event when the server
	// itself is in trouble, and tryAgain how long is waited before the second
	// time.
	triesMost = 6
	tryAgain  = 5 * time.Second
)

// send sends an event. Without an error it is sent, and known to be.
func (e *Events) send(ctx context.Context, delayID string) error {
	event, err := e.read(ctx, delayID)
	if err != nil {
		return err
	}
	if event.Finalised != nil {
		return errGone
	}
	p, err := e.principal(ctx, event)
	if err != nil {
		return err
	}
	ev, err := e.rooms.Send(ctx, p, rooms.Draft{
		Room: event.Room, Type: event.Type, StateKey: event.StateKey, Content: event.Content, TS: event.TS, Sticky: event.Sticky,
		Delayed: &rooms.Delayed{ID: delayID, Sent: func(ctx context.Context, tx *storage.Tx, ev id.EventID, pos matrix.Position) error {
			return e.finalise(ctx, tx, delayID, store.Outcome{At: e.nowMS(), Event: ev, Pos: pos})
		}},
	})
	if err != nil {
		return err
	}
	// State that is like that already is not sent again; then this is left to do.
	if _, _, scheduled := e.times(delayID); !scheduled {
		return nil
	}
	return e.db.Write(ctx, func(tx *storage.Tx) error {
		return e.finalise(ctx, tx, delayID, store.Outcome{At: e.nowMS(), Event: ev})
	})
}

// principal is the sender as they stand now.
func (e *Events) principal(ctx context.Context, event *store.Event) (matrix.Principal, error) {
	p := matrix.Principal{User: event.User, Device: event.Device}
	acc, ok, err := e.people.Known(ctx, event.User)
	switch {
	case err != nil || !ok: // application services speak for users without an account
		return p, err
	case acc.Deactivated:
		return p, matrix.Errorf(matrix.UserDeactivated, "The account was closed.")
	case acc.Locked:
		return p, matrix.Errorf(matrix.UserLocked, "The account is locked.")
	case acc.Suspended:
		return p, matrix.Errorf(matrix.UserSuspended, "The account is suspended.")
	}
	return p, nil
}

// finalise writes what became of an event that is scheduled, errGone if it is
// not.
func (e *Events) finalise(ctx context.Context, tx *storage.Tx, delayID string, o store.Outcome) error {
	was, err := store.Finalise(ctx, tx, delayID, o)
	if err == nil && !was {
		return errGone
	}
	tx.OnCommit(func() { e.drop(delayID) })
	return err
}

// fire sends an event whose time has come. What its sender may not send is
// finalised with the reason; when the server is in trouble it is tried again.
func (e *Events) fire(ctx context.Context, t *timer) {
	err := e.send(ctx, t.ID)
	var refusal *matrix.Error
	switch {
	case err == nil:
		return
	case ctx.Err() != nil:
		return // the disk has it, for the next start
	case errors.Is(err, errGone):
		if event, err := e.settled(ctx, t.ID); err == nil && event.Finalised == nil {
			e.again(t) // whoever was faster failed
		}
		return
	case !errors.As(err, &refusal):
		e.log.LogAttrs(ctx, slog.LevelError, "a delayed event could not be sent", slog.Any("err", err))
		if e.again(t) {
			return
		}
		refusal = matrix.Errorf(matrix.Unknown, "The server was in trouble.")
	}
	if err := e.fail(ctx, t.ID, refusal); err != nil && ctx.Err() == nil {
		e.log.LogAttrs(ctx, slog.LevelError, "what became of a delayed event could not be written", slog.Any("err", err))
		e.again(t)
	}
}

// again lets t be due once more in a while, unless that was often enough.
func (e *Events) again(t *timer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.tries++; t.tries >= triesMost || e.timers[t.ID] != t {
		return false
	}
	e.move(t, e.nowMS()+tryAgain.Milliseconds()<<t.tries)
	return true
}

// fail writes why an event could not be sent.
func (e *Events) fail(ctx context.Context, delayID string, why *matrix.Error) error {
	text, err := json.Marshal(map[string]any{"errcode": why.Code, "error": why.Text})
	if err != nil {
		return err
	}
	err = e.db.Write(ctx, func(tx *storage.Tx) error {
		return e.finalise(ctx, tx, delayID, store.Outcome{At: e.nowMS(), Error: text})
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}
