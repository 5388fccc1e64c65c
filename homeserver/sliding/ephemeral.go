package sliding

import (
	"context"
	"maps"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
)

// writeReceipts writes who has read how far in the rooms in scope.
//
// Spec: todo MSC3960, once it is in a release
func (t *turn) writeReceipts(ctx context.Context) (news bool, err error) {
	s := t.question.scopes.receipts
	if s == nil {
		return false, nil
	}
	w := &t.out
	object := w.Open("receipts")
	in := w.Open("rooms")
	bare := len(w.Buf)
	for _, x := range t.matches {
		if x.m.Membership != "join" || !s.has(x) {
			continue
		}
		receipts, err := t.newReceipts(ctx, x)
		if err != nil {
			return false, err
		}
		if len(receipts) == 0 {
			continue
		}
		for content := range tell.Receipts(receipts, t.ignored.Has) {
			w.Name(string(x.m.Room))
			w.Event("m.receipt", content, "")
			break // there is place for one only
		}
	}
	news = len(w.Buf) > bare
	w.Close(in)
	w.Close(object)
	return news, nil
}

// newReceipts returns the receipts of a room that the client does not have. Of
// a room that is new to it, these are the ones at events that it has, and what
// its user has read.
func (t *turn) newReceipts(ctx context.Context, x *match) (receipts []userdata.Receipt, err error) {
	if x.is == nil {
		return nil, nil
	}
	room, k := x.m.Room, *x.is
	if k.receipts > 0 {
		if !t.Data.HasNewReceipts(room, k.receipts) {
			return nil, nil
		}
		receipts, err = t.Data.ReceiptChanges(ctx, t.who.User, room, k.receipts, t.since)
	} else {
		receipts, err = t.firstReceipts(ctx, room, k.start)
	}
	if err == nil && (len(receipts) > 0 || k.receipts == 0) {
		k.receipts = t.since
		t.learn(x, k)
	}
	return receipts, err
}

// firstReceipts returns the receipts at events after start, and what the user
// has read.
func (t *turn) firstReceipts(ctx context.Context, room id.RoomID, start matrix.Position) ([]userdata.Receipt, error) {
	receipts, err := t.Data.OwnReceipts(ctx, t.who.User, room)
	if err != nil {
		return nil, err
	}
	// A receipt is younger than what it is for.
	all, err := t.Data.ReceiptChanges(ctx, t.who.User, room, max(0, start), t.since)
	for _, r := range all {
		if r.EventPos > start && r.User != t.who.User {
			receipts = append(receipts, r)
		}
	}
	return receipts, err
}

// writeTyping writes who types in the rooms in scope. A client forgets who
// types in a room that it does not look at any more.
//
// Spec: todo MSC4508, once it is in a release
func (t *turn) writeTyping(context.Context) (news bool, err error) {
	s := t.question.scopes.typing
	if s == nil {
		t.typing = nil
		return false, nil
	}
	w := &t.out
	object := w.Open(t.question.extensions.TypingName)
	in := w.Open("rooms")
	bare := len(w.Buf)
	now := map[id.RoomID]int64{}
	for _, x := range t.matches {
		if x.m.Membership != "join" || !s.has(x) {
			continue
		}
		users, serial := t.Data.Typing(x.m.Room)
		told, knows := t.have.typing[x.m.Room]
		if len(users) > 0 {
			now[x.m.Room] = serial
		}
		if knows && told == serial || !knows && len(users) == 0 {
			continue
		}
		w.Name(string(x.m.Room))
		w.Event("m.typing", tell.Typing(users, t.ignored.Has), "")
	}
	news = len(w.Buf) > bare
	w.Close(in)
	w.Close(object)
	if !maps.Equal(now, t.typing) {
		t.typing = now
	}
	return news, nil
}
