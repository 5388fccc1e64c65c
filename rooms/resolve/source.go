package resolve

import (
	"context"
	"errors"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// Num is the number of an event, as whoever keeps the events numbers them.
// Zero is no event.
type Num int64

// Key names one entry of a room's state.
type Key = auth.Key

// Event is a state event with what its PDU does not say.
type Event struct {
	Num      Num
	PDU      *event.PDU
	Auth     []Num // of PDU.Auth
	Rejected bool  // not to be used to authorise others
}

// Source is where events come from.
type Source interface {
	// Events returns events by number, in any order. What it does not have it
	// leaves out.
	Events(ctx context.Context, nums []Num) ([]Event, error)
}

var (
	errMissing = errors.New("an event is missing")
	errCircle  = errors.New("auth events form a circle")
	errNoState = errors.New("not a state event")
)
