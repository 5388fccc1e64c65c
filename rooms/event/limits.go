package event

import (
	"unicode/utf8"

	"plenum/internal/matrix"
)

// Sizes that no event may exceed.
//
// Spec: client-server-api#size-limits
// Spec: rooms/v4#event-format
const (
	MaxPDU  = 65536 // bytes of JSON
	MaxName = 255   // bytes of sender, room id, state key, type and event id
	MaxPrev = 20
	MaxAuth = 10

	MaxDepth int64 = 1<<53 - 1 // what canonical JSON can hold
)

func errTooLarge() error {
	return matrix.Errorf(matrix.TooLarge, "The event is larger than %d bytes.", MaxPDU)
}

// checkNames checks the names in p.
func (p *PDU) checkNames() error {
	if err := checkName("sender", p.Sender); err != nil {
		return err
	}
	if err := checkName("room id", p.Room); err != nil {
		return err
	}
	if err := checkName("event type", p.Type); err != nil {
		return err
	}
	if err := checkName("event id", p.ID); err != nil {
		return err
	}
	if p.StateKey != nil {
		return checkName("state key", *p.StateKey)
	}
	return nil
}

// checkName checks what stands in an event as it is.
func checkName[T ~string](what string, name T) error {
	switch {
	case len(name) > MaxName:
		return matrix.Errorf(matrix.TooLarge, "The %s is longer than %d bytes.", what, MaxName)
	case !utf8.ValidString(string(name)):
		return matrix.Errorf(matrix.BadJSON, "The %s is not valid UTF-8.", what)
	}
	return nil
}

// checkDraft checks what will be written without further ado.
func checkDraft(d *Draft) error {
	p := PDU{Sender: d.Sender, Room: d.Room, Type: d.Type, StateKey: d.StateKey, ID: d.Redacts}
	if err := p.checkNames(); err != nil {
		return err
	}
	if len(d.Prev) > MaxPrev || len(d.Auth) > MaxAuth {
		return matrix.Errorf(matrix.TooLarge, "The event refers to too many others.")
	}
	return nil
}
