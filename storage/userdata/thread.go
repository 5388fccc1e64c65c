package userdata

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Subscription says whether a user wants to hear of a thread. It is immutable.
type Subscription struct {
	Room       id.RoomID
	Root       id.EventID
	Subscribed bool // false: not any more
	Automatic  bool // a client decided it
	Pos        matrix.Position
}

const threadColumns = `SELECT room_id, root, subscribed, automatic, pos FROM thread_subscription `

// Subscriptions returns what user said of threads, oldest change first.
func Subscriptions(ctx context.Context, tx *storage.Tx, user id.UserID) ([]*Subscription, error) {
	list, err := storage.Select[Subscription](ctx, tx, threadColumns+`WHERE user_id = $1 ORDER BY pos`, user)
	out := make([]*Subscription, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out, err
}

// GetSubscription returns what user said of a thread.
func GetSubscription(ctx context.Context, tx *storage.Tx, user id.UserID, room id.RoomID, root id.EventID) (Subscription, bool, error) {
	return storage.One[Subscription](ctx, tx, threadColumns+`WHERE user_id = $1 AND room_id = $2 AND root = $3`, user, room, root)
}

const putSubscription = `INSERT INTO thread_subscription (user_id, room_id, root, subscribed, automatic, pos) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (user_id, room_id, root) DO UPDATE
	SET subscribed = excluded.subscribed, automatic = excluded.automatic, pos = excluded.pos`

// PutSubscription writes what user says of a thread.
func PutSubscription(ctx context.Context, tx *storage.Tx, user id.UserID, s *Subscription) error {
	return tx.Exec(ctx, putSubscription, user, s.Room, s.Root, s.Subscribed, s.Automatic, s.Pos)
}

// CountSubscriptions returns of how many threads user said something.
func CountSubscriptions(ctx context.Context, tx *storage.Tx, user id.UserID) (int, error) {
	n, _, err := storage.One[int](ctx, tx, `SELECT count(*) FROM thread_subscription WHERE user_id = $1`, user)
	return n, err
}

// DeleteSubscriptions removes what user said of threads.
func DeleteSubscriptions(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM thread_subscription WHERE user_id = $1`, user)
}
