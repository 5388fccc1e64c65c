package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Pusher is a way to notify a user while no client of theirs is syncing.
//
// Spec: client-server-api#get_matrixclientv3pushers
type Pusher struct {
	User       id.UserID
	AppID      string
	Key        string
	Kind       string // "http" or "webpush"
	AppName    string
	DeviceName string
	ProfileTag string
	Lang       string
	Data       json.RawMessage
	Device     id.DeviceID // that made it, and with which it goes
	Enabled    bool
}

const pusherColumns = `SELECT user_id, app_id, pushkey, kind, app_name, device_name, profile_tag, lang, data, device, enabled FROM pusher `

// Pushers returns all pushers of this server.
func Pushers(ctx context.Context, tx *storage.Tx) ([]Pusher, error) {
	return storage.Select[Pusher](ctx, tx, pusherColumns+`ORDER BY user_id, app_id, pushkey`)
}

// PushersOf returns the pushers of user.
func PushersOf(ctx context.Context, tx *storage.Tx, user id.UserID) ([]Pusher, error) {
	return storage.Select[Pusher](ctx, tx, pusherColumns+`WHERE user_id = $1 ORDER BY app_id, pushkey`, user)
}

const putPusher = `INSERT INTO pusher (user_id, app_id, pushkey, kind, app_name, device_name, profile_tag, lang, data, device, enabled)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
	ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET kind = excluded.kind, app_name = excluded.app_name,
	device_name = excluded.device_name, profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data, device = excluded.device,
	enabled = excluded.enabled`

// PutPusher makes a pusher, or changes the one with the same app id and key.
func PutPusher(ctx context.Context, tx *storage.Tx, p *Pusher) error {
	return tx.Exec(ctx, putPusher, p.User, p.AppID, p.Key, p.Kind, p.AppName, p.DeviceName, p.ProfileTag, p.Lang, []byte(p.Data), p.Device, p.Enabled)
}

// PushersWith returns the pushers of all users with an app id and key.
func PushersWith(ctx context.Context, tx *storage.Tx, appID, key string) ([]Pusher, error) {
	return storage.Select[Pusher](ctx, tx, pusherColumns+`WHERE app_id = $1 AND pushkey = $2`, appID, key)
}

// DeletePusher removes a pusher and what is on its way to it.
func DeletePusher(ctx context.Context, tx *storage.Tx, user id.UserID, appID, key string) error {
	if err := DeleteActivation(ctx, tx, user, appID, key); err != nil {
		return err
	}
	if err := tx.Exec(ctx, `DELETE FROM pusher WHERE user_id = $1 AND app_id = $2 AND pushkey = $3`, user, appID, key); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM push WHERE user_id = $1 AND app_id = $2 AND pushkey = $3`, user, appID, key)
}

// Push is a notification on its way to a pusher.
type Push struct {
	Event     matrix.Position
	Sound     string // empty: none
	Highlight bool
}

const addPush = `INSERT INTO push (user_id, app_id, pushkey, event, sound, highlight) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (user_id, app_id, pushkey, event) DO NOTHING`

// AddPush puts a notification on its way to a pusher.
func AddPush(ctx context.Context, tx *storage.Tx, to *Pusher, p Push) error {
	return tx.Exec(ctx, addPush, to.User, to.AppID, to.Key, p.Event, p.Sound, p.Highlight)
}

// Pushes returns up to limit notifications on their way to a pusher, oldest first.
func Pushes(ctx context.Context, tx *storage.Tx, to *Pusher, limit int) ([]Push, error) {
	return storage.Select[Push](ctx, tx, `SELECT event, sound, highlight FROM push
		WHERE user_id = $1 AND app_id = $2 AND pushkey = $3 ORDER BY event LIMIT $4`, to.User, to.AppID, to.Key, limit)
}

// DropPushes removes the notifications to a pusher up to an event.
func DropPushes(ctx context.Context, tx *storage.Tx, to *Pusher, upto matrix.Position) error {
	return tx.Exec(ctx, `DELETE FROM push WHERE user_id = $1 AND app_id = $2 AND pushkey = $3 AND event <= $4`, to.User, to.AppID, to.Key, upto)
}
