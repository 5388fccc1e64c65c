package e2ee

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// Limits of what a device may store.
const (
	maxOneTime = 1000     // one-time keys in one upload
	maxStock   = 5000     // one-time keys altogether
	maxKey     = 10 << 10 // bytes of a one-time key
	maxDevice  = 64 << 10 // bytes of a device's identity keys
	maxCross   = 64 << 10 // bytes of a cross-signing key
)

// Upload is what a device uploads about itself.
//
// Spec: client-server-api#post_matrixclientv3keysupload
type Upload struct {
	Device   json.RawMessage            // identity keys; nil: unchanged
	OneTime  map[string]json.RawMessage // by algorithm:id
	Fallback map[string]json.RawMessage
}

// Upload stores the keys of the asking device and returns its stock.
func (k *Keys) Upload(ctx context.Context, p matrix.Principal, u Upload) (*Stock, error) {
	if p.Device == "" {
		return nil, matrix.Errorf(matrix.InvalidParam, "Keys belong to a device, and you have none.")
	}
	oneTime, err := parseOneTime(u.OneTime)
	if err != nil {
		return nil, err
	}
	fallback, err := parseOneTime(u.Fallback)
	if err != nil {
		return nil, err
	}
	if present(u.Device) {
		if err := k.uploadDevice(ctx, p, u.Device); err != nil {
			return nil, err
		}
	}
	if len(oneTime)+len(fallback) == 0 {
		return k.Stock(ctx, p.User, p.Device)
	}
	return k.uploadOneTime(ctx, p, oneTime, fallback)
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// parseOneTime reads keys named algorithm:id, in the order of their names.
func parseOneTime(keys map[string]json.RawMessage) ([]devicekeys.OneTimeKey, error) {
	if len(keys) > maxOneTime {
		return nil, matrix.Errorf(matrix.TooLarge, "At most %d one-time keys can be uploaded at once.", maxOneTime)
	}
	out := make([]devicekeys.OneTimeKey, 0, len(keys))
	for name, raw := range keys {
		algorithm, keyID, ok := strings.Cut(name, ":")
		if !ok || algorithm == "" || keyID == "" || len(name) > 255 {
			return nil, badKeys("%q is not the name of a one-time key: it has an algorithm and an id.", name)
		}
		if v := gjson.ParseBytes(raw); !v.IsObject() && v.Type != gjson.String {
			return nil, badKeys("A one-time key is an object or a text.")
		}
		if len(raw) > maxKey {
			return nil, matrix.Errorf(matrix.TooLarge, "A one-time key has at most %d bytes.", maxKey)
		}
		out = append(out, devicekeys.OneTimeKey{Algorithm: algorithm, ID: keyID, JSON: raw})
	}
	slices.SortFunc(out, func(a, b devicekeys.OneTimeKey) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// uploadDevice stores identity keys. When they are others than before, the
// device was made anew: what it had to give out is of no use to anybody.
func (k *Keys) uploadDevice(ctx context.Context, p matrix.Principal, raw json.RawMessage) error {
	canonical, err := checkDevice(p, raw)
	if err != nil {
		return err
	}
	who, err := k.person(ctx, p.User)
	if err != nil {
		return err
	}
	old, ok := who.devices[p.Device]
	if ok && sameUnsigned(old, canonical) {
		return nil
	}
	return k.write(ctx, p.User, func(tx *storage.Tx) error {
		if ok && gjson.GetBytes(old, "keys").Raw != gjson.GetBytes(canonical, "keys").Raw {
			if err := devicekeys.DeleteDevices(ctx, tx, p.User, []id.DeviceID{p.Device}); err != nil {
				return err
			}
			k.touched(tx, deviceKey{p.User, p.Device})
		}
		return devicekeys.SetDevice(ctx, tx, p.User, devicekeys.DeviceKey{Device: p.Device, JSON: canonical})
	}, p.Device)
}

// checkDevice returns the canonical form of identity keys that are the
// device's own, and whose signature by the device holds if there is one.
func checkDevice(p matrix.Principal, raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) > maxDevice {
		return nil, matrix.Errorf(matrix.TooLarge, "The keys of a device have at most %d bytes.", maxDevice)
	}
	v := gjson.ParseBytes(raw)
	if !v.IsObject() || !v.Get("algorithms").IsArray() || !v.Get("keys").IsObject() || !v.Get("signatures").IsObject() {
		return nil, badKeys("device_keys has user_id, device_id, algorithms, keys and signatures.")
	}
	if v.Get("user_id").Str != string(p.User) || v.Get("device_id").Str != string(p.Device) {
		return nil, badKeys("device_keys are of another user or device than yours.")
	}
	canonical, err := event.AppendCanonical(nil, raw, false)
	if err != nil {
		return nil, badKeys("device_keys are not valid: %v.", err)
	}
	name := "ed25519:" + string(p.Device)
	sig, signed := signaturesOf(canonical)[p.User][name]
	key := v.Get("keys." + gjson.Escape(name)).Str
	if signed && !verify(canonical, key, sig) {
		return nil, matrix.Errorf(matrix.InvalidSignature, "The signature of the device on its own keys is wrong.")
	}
	return canonical, nil
}

// sameUnsigned reports whether two keys are the same but for signatures.
func sameUnsigned(a, b json.RawMessage) bool {
	x, errX := signable(a)
	y, errY := signable(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// uploadOneTime stores one-time and fallback keys. A key that is there already
// is no error when it is the same.
func (k *Keys) uploadOneTime(ctx context.Context, p matrix.Principal, oneTime, fallback []devicekeys.OneTimeKey) (left *Stock, err error) {
	err = k.db.Write(ctx, func(tx *storage.Tx) error {
		left, err = k.storeOneTime(ctx, tx, deviceKey{p.User, p.Device}, oneTime, fallback)
		return err
	})
	return left, err
}

// storeOneTime is uploadOneTime inside a transaction.
func (k *Keys) storeOneTime(ctx context.Context, tx *storage.Tx, of deviceKey, oneTime, fallback []devicekeys.OneTimeKey) (*Stock, error) {
	ids := make([]string, len(oneTime))
	for i, key := range oneTime {
		ids[i] = key.ID
	}
	known, err := devicekeys.OneTime(ctx, tx, of.user, of.device, ids)
	if err != nil {
		return nil, err
	}
	fresh, err := withoutKnown(oneTime, known)
	if err != nil {
		return nil, err
	}
	for _, key := range fresh {
		if err := devicekeys.AddOneTime(ctx, tx, of.user, of.device, key); err != nil {
			return nil, err
		}
	}
	for _, key := range fallback {
		if err := devicekeys.SetFallback(ctx, tx, of.user, of.device, key); err != nil {
			return nil, err
		}
	}
	k.touched(tx, of)
	left, err := readStock(ctx, tx, of.user, of.device)
	if err != nil {
		return nil, err
	}
	return left, left.check()
}

// check refuses a stock beyond all reason.
func (s *Stock) check() error {
	n := 0
	for _, count := range s.OneTime {
		n += count
	}
	if n > maxStock {
		return matrix.Errorf(matrix.TooLarge, "A device keeps at most %d one-time keys.", maxStock)
	}
	return nil
}

// withoutKnown returns the keys that are not known yet.
func withoutKnown(keys, known []devicekeys.OneTimeKey) ([]devicekeys.OneTimeKey, error) {
	var fresh []devicekeys.OneTimeKey
	for _, key := range keys {
		i := slices.IndexFunc(known, func(k devicekeys.OneTimeKey) bool { return k.Algorithm == key.Algorithm && k.ID == key.ID })
		if i < 0 {
			fresh = append(fresh, key)
			continue
		}
		if !sameKey(known[i].JSON, key.JSON) {
			return nil, matrix.Errorf(matrix.InvalidParam, "The one-time key %s:%s exists already, and is another.", key.Algorithm, key.ID)
		}
	}
	return fresh, nil
}

func sameKey(a, b json.RawMessage) bool {
	x, errX := event.AppendCanonical(nil, a, false)
	y, errY := event.AppendCanonical(nil, b, false)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
