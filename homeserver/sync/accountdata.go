package sync

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/filter"
)

// accountData is entries of a user's account data by room; under "" are those
// of the account as a whole.
type accountData map[id.RoomID][]userdata.AccountDatum

// changedAccountData returns what changed between the tokens.
func (t *turn) changedAccountData(ctx context.Context) (accountData, error) {
	changes, err := t.s.Data.AccountDataChanges(ctx, t.who.User, t.since.Pos, t.next.Pos)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	byRoom := accountData{}
	for _, d := range changes {
		if d.Pos > t.since.Pos { // defaults never change
			byRoom[d.Room] = append(byRoom[d.Room], d)
		}
	}
	return byRoom, nil
}

// wholeAccountData returns everything. It is read once a turn.
func (t *turn) wholeAccountData(ctx context.Context) (accountData, error) {
	if t.everything != nil {
		return t.everything, nil
	}
	all, err := t.s.Data.AccountDataChanges(ctx, t.who.User, 0, t.next.Pos)
	t.everything = accountData{}
	for _, d := range all {
		t.everything[d.Room] = append(t.everything[d.Room], d)
	}
	return t.everything, err
}

// globalAccountData writes what changed about the account as a whole.
//
// Spec: client-server-api#client-config
func (t *turn) globalAccountData() { t.appendAccountData("", t.account[""], &t.filter.AccountData) }

// writeAccountData writes what changed about a room, or everything about one
// that is new to the client.
func (st *stay) writeAccountData(ctx context.Context) error {
	room := st.rm.ID()
	data := st.account[room]
	if st.fresh && !st.initial {
		all, err := st.wholeAccountData(ctx)
		if err != nil {
			return err
		}
		data = all[room]
	}
	st.appendAccountData(room, data, &st.filter.Room.AccountData)
	return nil
}

func (t *turn) appendAccountData(room id.RoomID, data []userdata.AccountDatum, f *filter.Events) {
	list := t.out.OpenEvents("account_data")
	for _, d := range data {
		if f.Match(filter.Subject{Type: d.Type, Room: room, Sender: t.who.User}) {
			t.out.Event(d.Type, d.Content, "")
		}
	}
	if room != "" && t.initial && !f.IsShut() {
		t.out.KeepEvents() // clients are told that there is nothing, as other servers do it (MSC3391)
		return
	}
	t.out.CloseEvents(list)
}
