package push

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/url"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Limits of pushers.
//
// Spec: client-server-api#post_matrixclientv3pushersset
const (
	maxAppID      = 64  // characters
	maxPushkey    = 512 // bytes
	maxPusherText = 255 // bytes
	maxPusherData = 4096
)

// Pusher is a way to notify a user, as clients see it.
//
// Spec: client-server-api#get_matrixclientv3pushers
type Pusher struct {
	Kind       *string         `json:"kind"` // nil removes the pusher
	AppID      string          `json:"app_id"`
	Key        string          `json:"pushkey"`
	AppName    string          `json:"app_display_name"`
	DeviceName string          `json:"device_display_name"`
	ProfileTag string          `json:"profile_tag,omitempty"`
	Lang       string          `json:"lang"`
	Data       json.RawMessage `json:"data"`
	Activated  *bool           `json:"activated,omitempty"` // of a web pusher: it is told what it is for

	// Of MSC3881, by which one device silences another. Enabled is true when it
	// is not said. Device is that of which the pusher is.
	Enabled       *bool       `json:"enabled,omitempty"`
	EnabledBefore *bool       `json:"org.matrix.msc3881.enabled,omitempty"` // its name in the proposal
	Device        id.DeviceID `json:"device_id,omitempty"`
	DeviceBefore  id.DeviceID `json:"org.matrix.msc3881.device_id,omitempty"`
}

// isEnabled reports whether the pusher is to notify.
func (p *Pusher) isEnabled() bool {
	return (p.Enabled == nil || *p.Enabled) && (p.EnabledBefore == nil || *p.EnabledBefore)
}

// Pushers returns the pushers of user.
func (p *Push) Pushers(ctx context.Context, user id.UserID) ([]Pusher, error) {
	var list []store.Pusher
	waits := map[pusherKey]bool{}
	err := p.db.Read(ctx, func(tx *storage.Tx) (err error) {
		if list, err = store.PushersOf(ctx, tx, user); err != nil {
			return err
		}
		for _, one := range list {
			if waits[keyOfPusher(&one)], err = store.IsWaiting(ctx, tx, user, one.AppID, one.Key); err != nil {
				return err
			}
		}
		return nil
	})
	out := make([]Pusher, len(list))
	for i, one := range list {
		out[i] = Pusher{
			Kind: &one.Kind, AppID: one.AppID, Key: one.Key, AppName: one.AppName, DeviceName: one.DeviceName,
			ProfileTag: one.ProfileTag, Lang: one.Lang, Data: one.Data,
			Enabled: &one.Enabled, EnabledBefore: &one.Enabled, Device: one.Device, DeviceBefore: one.Device,
		}
		if isWeb(one.Kind) {
			activated := !waits[keyOfPusher(&one)]
			out[i].Activated = &activated
		}
	}
	return out, err
}

// SetPusher makes, changes or removes a pusher of who asks. The same app and
// key of other users, who had the device before, are removed unless alongside.
//
// Spec: client-server-api#post_matrixclientv3pushersset
func (p *Push) SetPusher(ctx context.Context, who matrix.Principal, n Pusher, alongside bool) error {
	if err := p.checkPusher(&n); err != nil {
		return err
	}
	return p.db.Write(ctx, func(tx *storage.Tx) error {
		if n.Kind == nil {
			return p.removePusher(ctx, tx, who.User, n.AppID, n.Key)
		}
		same, err := store.PushersWith(ctx, tx, n.AppID, n.Key)
		if err != nil {
			return err
		}
		for _, other := range same {
			if alongside || other.User == who.User {
				continue
			}
			if err := p.removePusher(ctx, tx, other.User, other.AppID, other.Key); err != nil {
				return err
			}
		}
		own, err := store.PushersOf(ctx, tx, who.User)
		if err != nil {
			return err
		}
		was := findPusher(own, n)
		if len(own) >= p.opt.MaxPushers && was == nil {
			return matrix.Errorf(matrix.ResourceLimitExceeded, "You have too many pushers.")
		}
		made := &store.Pusher{
			User: who.User, AppID: n.AppID, Key: n.Key, Kind: *n.Kind, AppName: n.AppName, DeviceName: n.DeviceName,
			ProfileTag: n.ProfileTag, Lang: n.Lang, Data: n.Data, Device: who.Device, Enabled: n.isEnabled(),
		}
		if was != nil && (n.Device == was.Device || n.DeviceBefore == was.Device) {
			made.Device = was.Device // another device changes it, and says so
		}
		waits, err := p.activation(ctx, tx, made, was)
		if err != nil {
			return err
		}
		tx.OnCommit(func() { p.pushers.put(made) })
		if err := p.wait(ctx, tx, made, waits); err != nil {
			return err
		}
		if !made.Enabled { // what is on its way comes too late when it is switched on again
			if err := store.DropPushes(ctx, tx, made, math.MaxInt64); err != nil {
				return err
			}
		}
		return store.PutPusher(ctx, tx, made)
	})
}

// findPusher returns the pusher of the list that n is to replace, nil when there
// is none.
func findPusher(list []store.Pusher, n Pusher) *store.Pusher {
	for i := range list {
		if list[i].AppID == n.AppID && list[i].Key == n.Key {
			return &list[i]
		}
	}
	return nil
}

func (p *Push) removePusher(ctx context.Context, tx *storage.Tx, user id.UserID, appID, key string) error {
	tx.OnCommit(func() { p.pushers.remove(pusherKey{user, appID, key}) })
	return store.DeletePusher(ctx, tx, user, appID, key)
}

// checkPusher refuses a pusher that cannot work, and tidies its data.
func (p *Push) checkPusher(n *Pusher) error {
	var missing []string
	need := func(name, value string) {
		if value == "" {
			missing = append(missing, name)
		}
	}
	need("app_id", n.AppID)
	need("pushkey", n.Key)
	if n.Kind != nil {
		need("app_display_name", n.AppName)
		need("device_display_name", n.DeviceName)
		need("lang", n.Lang)
		need("data", string(n.Data))
	}
	switch {
	case missing != nil:
		return matrix.Errorf(matrix.MissingParam, "Missing parameters: %s", strings.Join(missing, ", "))
	case len([]rune(n.AppID)) > maxAppID:
		return matrix.Errorf(matrix.InvalidParam, "app_id may have at most %d characters.", maxAppID)
	case len(n.Key) > maxPushkey:
		return matrix.Errorf(matrix.InvalidParam, "pushkey may have at most %d bytes.", maxPushkey)
	case n.Kind == nil:
		return nil
	case *n.Kind != "http" && !isWeb(*n.Kind):
		return matrix.Errorf(matrix.InvalidParam, "This server has no pushers of kind %q.", *n.Kind)
	}
	for _, text := range []string{n.AppName, n.DeviceName, n.ProfileTag, n.Lang} {
		if len(text) > maxPusherText {
			return matrix.Errorf(matrix.InvalidParam, "The names of a pusher may have at most %d bytes.", maxPusherText)
		}
	}
	if err := p.checkData(n); err != nil {
		return err
	}
	var tidy bytes.Buffer
	if err := json.Compact(&tidy, n.Data); err != nil {
		return err
	}
	n.Data = tidy.Bytes()
	return nil
}

// checkData refuses data without the address of a push gateway, or of what web
// push needs.
func (p *Push) checkData(n *Pusher) error {
	var data struct{ URL string }
	if err := json.Unmarshal(n.Data, &data); err != nil || len(n.Data) > maxPusherData {
		return matrix.Errorf(matrix.InvalidParam, "data must be an object with a url, of at most %d bytes.", maxPusherData)
	}
	if isWeb(*n.Kind) {
		return p.checkWeb(n)
	}
	if data.URL == "" {
		return matrix.Errorf(matrix.MissingParam, "Missing parameters: data.url")
	}
	u, err := url.Parse(data.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return matrix.Errorf(matrix.InvalidParam, "data.url must be the address of a push gateway.")
	case u.Scheme != "https" && (u.Scheme != "http" || !p.opt.AllowHTTP):
		return matrix.Errorf(matrix.InvalidParam, "data.url must begin with https://.")
	case u.Path != "/_matrix/push/v1/notify":
		return matrix.Errorf(matrix.InvalidParam, "data.url must have the path /_matrix/push/v1/notify.")
	}
	return nil
}
