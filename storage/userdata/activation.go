package userdata

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

// Activation is what a pusher waits for before it is told anything.
type Activation struct {
	User      id.UserID
	AppID     string
	Key       string
	Token     string
	ExpiresMS int64
}

// Activations returns those of all pushers that wait.
func Activations(ctx context.Context, tx *storage.Tx) ([]Activation, error) {
	return storage.Select[Activation](ctx, tx, `SELECT user_id, app_id, pushkey, token, expires FROM pusher_activation ORDER BY user_id, app_id, pushkey`)
}

const putActivation = `INSERT INTO pusher_activation (user_id, app_id, pushkey, token, expires) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET token = excluded.token, expires = excluded.expires`

// PutActivation lets a pusher wait, or for another token than before.
func PutActivation(ctx context.Context, tx *storage.Tx, a *Activation) error {
	return tx.Exec(ctx, putActivation, a.User, a.AppID, a.Key, a.Token, a.ExpiresMS)
}

// DeleteActivation ends the waiting.
func DeleteActivation(ctx context.Context, tx *storage.Tx, user id.UserID, appID, key string) error {
	return tx.Exec(ctx, `DELETE FROM pusher_activation WHERE user_id = $1 AND app_id = $2 AND pushkey = $3`, user, appID, key)
}

// IsWaiting reports whether a pusher waits.
func IsWaiting(ctx context.Context, tx *storage.Tx, user id.UserID, appID, key string) (bool, error) {
	_, waits, err := storage.One[int64](ctx, tx, `SELECT expires FROM pusher_activation WHERE user_id = $1 AND app_id = $2 AND pushkey = $3`, user, appID, key)
	return waits, err
}
