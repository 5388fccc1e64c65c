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

// checkNames checks the names in p. Other servers counted characters, not
// bytes, before room version 11, and what they accepted is part of rooms.
func (p *PDU) checkNames(longest func(string) int) error {
	names := []struct{ what, name string }{
		{"sender", string(p.Sender)}, {"room id", string(p.Room)}, {"event type", p.Type}, {"event id", string(p.ID)},
	}
	if p.StateKey != nil {
		names = append(names, struct{ what, name string }{"state key", *p.StateKey})
	}
	for _, n := range names {
		if err := checkName(n.what, n.name, longest); err != nil {
			return err
		}
	}
	return nil
}

func bytesOf(s string) int { return len(s) }

// nameLength measures names in events of other servers.
func (r *Rules) nameLength() func(string) int {
	if r.ImplicitCreator {
		return bytesOf
	}
	return utf8.RuneCountInString
}

// checkName checks what stands in an event as it is.
func checkName(what, name string, length func(string) int) error {
	switch {
	case length(name) > MaxName:
		return matrix.Errorf(matrix.TooLarge, "The %s is longer than %d bytes.", what, MaxName)
	case !utf8.ValidString(name):
		return matrix.Errorf(matrix.BadJSON, "The %s is not valid UTF-8.", what)
	}
	return nil
}

// checkDraft checks what will be written without further ado.
func checkDraft(d *Draft) error {
	p := PDU{Sender: d.Sender, Room: d.Room, Type: d.Type, StateKey: d.StateKey, ID: d.Redacts}
	if err := p.checkNames(bytesOf); err != nil {
		return err
	}
	if len(d.Prev) > MaxPrev || len(d.Auth) > MaxAuth {
		return matrix.Errorf(matrix.TooLarge, "The event refers to too many others.")
	}
	return nil
}
