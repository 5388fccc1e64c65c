package sync

import (
	"context"

	"plenum/homeserver/userdata"
	"plenum/rooms"
)

// invited writes about a room that the user is invited to, by somebody whom
// they want to hear from.
func (t *turn) invited(_ context.Context, m *rooms.Membership) error {
	if t.invitations.Judge(m.Sender) != userdata.Welcome {
		return nil
	}
	t.writeStripped("invite_state", m)
	return nil
}

// knocked writes about a room that the user asked to join.
func (t *turn) knocked(_ context.Context, m *rooms.Membership) error {
	t.writeStripped("knock_state", m)
	return nil
}

// writeStripped writes what a room shows of itself to those outside.
//
// Spec: client-server-api#stripped-state
func (t *turn) writeStripped(name string, m *rooms.Membership) {
	stripped := m.Stripped
	if len(stripped) == 0 {
		stripped = []byte("[]")
	}
	object := t.out.Open(name)
	t.out.Name("events")
	t.out.Raw(stripped)
	t.out.Close(object)
}
