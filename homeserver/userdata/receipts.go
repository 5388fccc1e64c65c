package userdata

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Kinds of receipts.
//
// Spec: client-server-api#receipts
const (
	Read        = "m.read"
	ReadPrivate = "m.read.private"
	FullyRead   = "m.fully_read" // kept as account data of the room
)

// Main is the thread of everything that is in no thread.
const Main = store.Main

// Receipt says how far a user has read a room or one of its threads. It is
// immutable.
type Receipt = store.Receipt

// Reads says how far a user has read a room.
type Reads = store.Reads

// roomReceipts are the receipts of one room.
type roomReceipts struct {
	journal[receiptKey, *Receipt]
	reads map[id.UserID]*Reads
}

type receiptKey struct {
	user    id.UserID
	thread  id.EventID
	private bool
}

func keyOf(r *Receipt) receiptKey { return receiptKey{r.User, r.Thread, r.Private} }

// take makes receipts known, except where one is further already: by the same
// rule as the database.
func (rr *roomReceipts) take(list ...*Receipt) {
	news := map[id.UserID][]*Receipt{}
	for _, r := range list {
		if old, ok := rr.get(keyOf(r)); ok && old.EventPos >= r.EventPos {
			continue
		}
		rr.put(keyOf(r), r.Pos, r)
		news[r.User] = append(news[r.User], r)
	}
	if rr.reads == nil {
		rr.reads = map[id.UserID]*Reads{}
	}
	for user, own := range news {
		rr.reads[user] = rr.reads[user].With(own...)
	}
}

func (d *Data) loadReceipts(ctx context.Context, room id.RoomID, put func(func(*roomReceipts))) error {
	var list []*Receipt
	err := d.db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.Receipts(ctx, tx, room)
		return err
	})
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	put(func(rr *roomReceipts) {
		rr.take(list...)
		d.receipts.saw(room, rr.last())
	})
	return nil
}

// ReceiptChanges returns the receipts of room that user may see and that
// changed after `after`, up to upto, oldest change first: private ones only of
// user.
func (d *Data) ReceiptChanges(ctx context.Context, user id.UserID, room id.RoomID, after, upto matrix.Position) ([]Receipt, error) {
	if after > 0 && d.receipts.isQuiet(room, after) {
		return nil, nil
	}
	var out []Receipt
	err := d.receipts.with(ctx, room, func(rr *roomReceipts) {
		rr.between(after, upto, func(r *Receipt) {
			if !r.Private || r.User == user {
				out = append(out, *r)
			}
		})
	})
	return out, err
}

// OwnReceipts returns what user has read of room, as far as it is not said by a
// receipt that is further: what a device needs that is new to the room.
func (d *Data) OwnReceipts(ctx context.Context, user id.UserID, room id.RoomID) ([]Receipt, error) {
	var out []Receipt
	err := d.receipts.with(ctx, room, func(rr *roomReceipts) {
		reads := rr.reads[user]
		if reads == nil {
			return
		}
		for _, thread := range append(slices.Collect(maps.Keys(reads.Threads)), "") {
			for _, private := range []bool{false, true} {
				if r, ok := rr.get(receiptKey{user, thread, private}); ok {
					out = append(out, *r)
				}
			}
		}
	})
	return out, err
}

// HasNewReceipts reports whether a receipt of room may have changed after a
// position.
func (d *Data) HasNewReceipts(room id.RoomID, after matrix.Position) bool {
	return !d.receipts.isQuiet(room, after)
}

// Reads returns how far user has read room. The answer is shared: callers do
// not change it. It is nil when there is no receipt.
func (d *Data) Reads(ctx context.Context, user id.UserID, room id.RoomID) (*Reads, error) {
	var reads *Reads
	err := d.receipts.with(ctx, room, func(rr *roomReceipts) { reads = rr.reads[user] })
	return reads, err
}
