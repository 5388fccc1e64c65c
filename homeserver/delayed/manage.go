package delayed

import (
	"container/heap"
	"context"
	"errors"
	"net/http"
	"time"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/delayed"
)

// Action is what can be done with a scheduled event.
type Action string

// The actions.
const (
	Send    Action = "send"    // now
	Cancel  Action = "cancel"  // never send it
	Restart Action = "restart" // begin to wait anew
)

const (
	// restartEvery and restartBurst are how often an event can be put off: some
	// clients do it every four seconds.
	restartEvery = 1000 // ms
	restartBurst = 20
)

// Do does something with a delayed event. Who knows its id may, unless p names
// somebody: then it must be theirs. What was done before is done; what cannot
// be done any more, because something else was, is M_UNKNOWN with 409.
func (e *Events) Do(ctx context.Context, p matrix.Principal, delayID string, what Action) (err error) {
	defer matrix.Wrap(&err, "%s a delayed event", what)
	for {
		if err := e.try(ctx, p, delayID, what); !errors.Is(err, errGone) {
			return err
		}
		event, err := e.settled(ctx, delayID)
		switch {
		case err != nil:
			return err
		case !p.IsAnyone() && p.User != event.User:
			return errUnknown()
		case event.Finalised != nil || what == Restart:
			return judge(event, what)
		}
	}
}

// try does something with an event, errGone when it is not scheduled any more.
func (e *Events) try(ctx context.Context, p matrix.Principal, delayID string, what Action) error {
	if !e.has(p, delayID) {
		return errGone
	}
	switch what {
	case Send:
		return e.send(ctx, delayID)
	case Cancel:
		return e.cancel(ctx, delayID)
	case Restart:
		return e.restart(ctx, delayID)
	}
	return matrix.Errorf(matrix.InvalidParam, "What can be done with a delayed event is send, cancel and restart.")
}

// has reports whether an event is scheduled and p may manage it.
func (e *Events) has(p matrix.Principal, delayID string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.timers[delayID]
	return t != nil && (p.IsAnyone() || p.User == t.User)
}

// settled returns an event as it is when everything that is on its way to the
// disk is there: whoever came first may have been faster than the disk.
func (e *Events) settled(ctx context.Context, delayID string) (*store.Event, error) {
	event, err := e.read(ctx, delayID)
	if err != nil || event.Finalised != nil {
		return event, err
	}
	if err := e.db.Write(ctx, func(*storage.Tx) error { return nil }); err != nil {
		return nil, err
	}
	return e.read(ctx, delayID)
}

// judge answers for what became of an event, or is becoming of it, when
// something is asked for.
func judge(event *store.Event, what Action) error {
	sent := event.EventID != nil
	if what == Send && sent || what == Cancel && !sent {
		return nil
	}
	done := "was cancelled"
	switch {
	case event.Finalised == nil:
		done = "is being sent"
	case sent:
		done = "was sent"
	}
	return &matrix.Error{Code: matrix.Unknown, Text: "The delayed event " + done + ".", Status: http.StatusConflict}
}

// IsSettled reports whether err says that something else became of a delayed
// event than what was asked for.
func IsSettled(err error) bool {
	var refusal *matrix.Error
	return errors.As(err, &refusal) && refusal.Code == matrix.Unknown && refusal.Status == http.StatusConflict
}

func errUnknown() error {
	return matrix.Errorf(matrix.NotFound, "There is no such delayed event.")
}

func (e *Events) cancel(ctx context.Context, delayID string) error {
	return e.db.Write(ctx, func(tx *storage.Tx) error {
		return e.finalise(ctx, tx, delayID, store.Outcome{At: e.nowMS()})
	})
}

// restart begins to wait anew. Only when the disk says a time that is too soon
// it is written, with some grace for the next times.
func (e *Events) restart(ctx context.Context, delayID string) error {
	e.mu.Lock()
	t := e.timers[delayID]
	if t == nil || t.place < 0 { // it is being sent this very moment
		e.mu.Unlock()
		return errGone
	}
	now := e.nowMS()
	if err := t.allow(now); err != nil {
		e.mu.Unlock()
		return err
	}
	t.Scheduled = now
	e.move(t, now+t.Delay)
	if t.Due <= t.onDisk {
		e.mu.Unlock()
		return nil
	}
	due := t.Due + grace.Milliseconds()
	// In the order in which they are put off: under the lock, which the writer
	// takes only when this is queued.
	commit := e.db.Submit(func(tx *storage.Tx) error {
		tx.OnCommit(func() { e.written(delayID, due) })
		return store.Move(context.Background(), tx, delayID, now, due)
	})
	e.mu.Unlock()
	return commit.Wait(ctx)
}

// written takes over what the disk says.
func (e *Events) written(delayID string, due int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.timers[delayID]; t != nil {
		t.onDisk = due
	}
}

// allow counts a restart. The caller holds mu.
func (t *timer) allow(now int64) error {
	full := max(t.full, now)
	if wait := full - now - restartEvery*(restartBurst-1); wait > 0 {
		return &matrix.Error{
			Code: matrix.LimitExceeded, Text: "The delayed event is put off too often.",
			RetryAfter: time.Duration(wait) * time.Millisecond,
		}
	}
	t.full = full + restartEvery
	return nil
}

// save writes the exact times of what is scheduled, so that nothing is late
// after a restart of the server.
func (e *Events) save(ctx context.Context) error {
	e.mu.Lock()
	var late []timer
	for _, t := range e.timers {
		if t.onDisk != t.Due {
			late = append(late, *t)
		}
	}
	e.mu.Unlock()
	if len(late) == 0 {
		return nil
	}
	return e.db.Write(ctx, func(tx *storage.Tx) error {
		for _, t := range late {
			if err := store.Move(ctx, tx, t.ID, t.Scheduled, t.Due); err != nil {
				return err
			}
		}
		return nil
	})
}

var _ heap.Interface = (*schedule)(nil)
