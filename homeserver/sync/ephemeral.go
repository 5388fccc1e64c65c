package sync

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
)

// hasEphemeral reports whether somebody began or ceased to type in room, or
// read on.
func (t *turn) hasEphemeral(ctx context.Context, room id.RoomID) (bool, error) {
	if _, serial := t.s.Data.Typing(room); serial > t.since.Serial {
		return true, nil
	}
	receipts, err := t.s.Data.ReceiptChanges(ctx, t.who.User, room, t.since.Pos, t.next.Pos)
	return len(receipts) > 0, err
}

// writeEphemeral writes who types, and who has read how far.
func (st *stay) writeEphemeral(ctx context.Context) error {
	receipts, err := st.s.Data.ReceiptChanges(ctx, st.who.User, st.rm.ID(), max(0, st.from), st.end)
	if err != nil {
		return err
	}
	for _, r := range receipts {
		st.hasRead = st.hasRead || r.User == st.who.User
	}
	list := st.out.OpenEvents("ephemeral")
	if st.wants("m.typing") {
		st.writeTyping()
	}
	if st.wants("m.receipt") {
		for content := range tell.Receipts(receipts, st.ignored.Has) {
			st.out.Event("m.receipt", content, "")
		}
	}
	if st.initial { // clients of old look into the list without asking whether it is there
		st.out.KeepEvents()
	} else {
		st.out.CloseEvents(list)
	}
	return nil
}

// wants reports whether the client wants ephemeral events of typ.
func (st *stay) wants(typ string) bool {
	f := &st.filter.Room.Ephemeral
	return f.HasType(typ) && f.HasRoom(st.rm.ID())
}

// writeTyping writes who types, if that changed.
//
// Spec: client-server-api#typing-notifications
func (st *stay) writeTyping() {
	users, serial := st.s.Data.Typing(st.rm.ID())
	if st.fresh && len(users) == 0 || !st.fresh && serial <= st.since.Serial {
		return
	}
	st.out.Event("m.typing", tell.Typing(users, st.ignored.Has), "")
}
