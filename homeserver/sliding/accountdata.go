package sliding

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
)

// accountData is entries of a user's account data by room; under "" are those
// of the account as a whole.
type accountData map[id.RoomID][]userdata.AccountDatum

// accountDataSince returns what changed after a position; from 0 on, what
// there is.
func (t *turn) accountDataSince(ctx context.Context, after matrix.Position) (accountData, error) {
	list, err := t.Data.AccountDataChanges(ctx, t.who.User, after, t.since)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	byRoom := accountData{}
	for _, d := range list {
		if d.Pos > after || after == 0 { // defaults never change
			byRoom[d.Room] = append(byRoom[d.Room], d)
		}
	}
	return byRoom, nil
}

// wholeAccountData returns everything. It is read once a turn.
func (t *turn) wholeAccountData(ctx context.Context) (_ accountData, err error) {
	if t.everything == nil {
		t.everything, err = t.accountDataSince(ctx, 0)
	}
	return t.everything, err
}

// newAccountData returns what the client does not have, of rooms as far as it
// knew them at the answer before.
func (t *turn) newAccountData(ctx context.Context) (accountData, error) {
	if t.have.data == 0 {
		return t.wholeAccountData(ctx)
	}
	return t.accountDataSince(ctx, t.have.data)
}

// writeAccountData writes what is new in the account data: of the account as a
// whole, and of the rooms in scope.
//
// Spec: todo MSC3959, once it is in a release
func (t *turn) writeAccountData(ctx context.Context) (news bool, err error) {
	s := t.question.scopes.data
	if s == nil {
		return false, nil
	}
	changes, err := t.newAccountData(ctx)
	if err != nil {
		return false, err
	}
	t.data = t.since
	w := &t.out
	object := w.Open("account_data")
	bare := len(w.Buf)
	if global := changes[""]; len(global) > 0 {
		w.OpenList("global")
		t.appendAccountData(global)
		w.CloseList()
	}
	in := w.Open("rooms")
	told := make(map[id.RoomID]struct{}, len(changes))
	for _, x := range t.matches {
		if !s.has(x) {
			continue
		}
		if err := t.writeRoomData(ctx, x, changes[x.m.Room]); err != nil {
			return false, err
		}
		if len(changes) > 0 {
			told[x.m.Room] = struct{}{}
		}
	}
	w.Close(in)
	news = len(w.Buf) > bare
	w.Close(object)
	for room := range changes {
		if _, ok := told[room]; !ok {
			t.missed(room)
		}
	}
	return news, nil
}

// writeRoomData writes what changed in the account data of a room, or all of
// it when the client has none yet.
func (t *turn) writeRoomData(ctx context.Context, x *match, data []userdata.AccountDatum) error {
	if x.is == nil {
		return nil
	}
	if !x.is.hasData {
		all, err := t.wholeAccountData(ctx)
		if err != nil {
			return err
		}
		data = all[x.m.Room]
		k := *x.is
		k.hasData = true
		t.learn(x, k)
	}
	if len(data) == 0 {
		return nil
	}
	t.out.OpenList(string(x.m.Room))
	t.appendAccountData(data)
	t.out.CloseList()
	return nil
}

// missed notes that the client is not told of a change in the account data of
// a room, because it does not look at it. When it does again, it gets all.
func (t *turn) missed(room id.RoomID) {
	was := t.rooms[room]
	if was == nil {
		was = t.have.rooms[room]
	}
	if was != nil && was.hasData {
		k := *was
		k.hasData = false
		t.rooms[room] = &k
	}
}

func (t *turn) appendAccountData(data []userdata.AccountDatum) {
	for _, d := range data {
		t.out.Event(d.Type, d.Content, "")
	}
}
