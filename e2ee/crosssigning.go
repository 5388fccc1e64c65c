package e2ee

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// CrossSigning are the cross-signing keys of a user; nil where unchanged.
type CrossSigning struct {
	Master      json.RawMessage
	SelfSigning json.RawMessage
	UserSigning json.RawMessage
}

// crossUpload is a checked upload.
type crossUpload struct {
	keys      map[devicekeys.Usage]devicekeys.CrossSigningKey
	newMaster bool // replaces one that is there
	same      bool // all of it is there already
}

// NeedsAuth reports whether the user has to prove who they are before these
// keys take the place of those that are there. The first ones need no proof,
// and neither do the same again.
//
// Spec: client-server-api#post_matrixclientv3keysdevice_signingupload
func (k *Keys) NeedsAuth(ctx context.Context, user id.UserID, c CrossSigning) (bool, error) {
	who, err := k.person(ctx, user)
	if err != nil {
		return false, err
	}
	u, err := checkCross(user, who, c)
	if err != nil {
		return false, err
	}
	_, has := who.cross[devicekeys.Master]
	return has && !u.same, nil
}

// SetCrossSigning stores cross-signing keys of a user.
func (k *Keys) SetCrossSigning(ctx context.Context, user id.UserID, c CrossSigning) error {
	who, err := k.person(ctx, user)
	if err != nil {
		return err
	}
	u, err := checkCross(user, who, c)
	if err != nil || u.same {
		return err
	}
	return k.write(ctx, user, func(tx *storage.Tx) error {
		if u.newMaster { // what the old one signed holds no longer
			if err := devicekeys.DropCrossSigning(ctx, tx, user); err != nil {
				return err
			}
		}
		for usage, key := range u.keys {
			if old, ok := who.cross[usage]; ok && old.key != key.Key {
				if err := devicekeys.DropSignatures(ctx, tx, user, old.key); err != nil {
					return err
				}
			}
			if err := devicekeys.SetCrossSigning(ctx, tx, user, key); err != nil {
				return err
			}
		}
		return nil
	}, crossSigning)
}

// checkCross reads an upload, and checks that the master key signed the others.
func checkCross(user id.UserID, who *person, c CrossSigning) (*crossUpload, error) {
	u := &crossUpload{keys: map[devicekeys.Usage]devicekeys.CrossSigningKey{}, same: true}
	master := who.cross[devicekeys.Master].key
	for _, part := range []struct {
		usage devicekeys.Usage
		raw   json.RawMessage
	}{{devicekeys.Master, c.Master}, {devicekeys.SelfSigning, c.SelfSigning}, {devicekeys.UserSigning, c.UserSigning}} {
		if !present(part.raw) {
			continue
		}
		key, err := parseCross(user, part.usage, part.raw)
		if err != nil {
			return nil, err
		}
		old, had := who.cross[part.usage]
		if part.usage == devicekeys.Master {
			u.newMaster = had && old.key != key.Key
			master = key.Key
		} else if sig := signaturesOf(key.JSON)[user]["ed25519:"+master]; master == "" || !verify(key.JSON, master, sig) {
			return nil, matrix.Errorf(matrix.InvalidSignature, "The %s key is not signed by the master key.", part.usage)
		}
		u.same = u.same && had && sameUnsigned(old.json, key.JSON)
		u.keys[part.usage] = key
	}
	return u, nil
}

func parseCross(user id.UserID, usage devicekeys.Usage, raw json.RawMessage) (devicekeys.CrossSigningKey, error) {
	key := devicekeys.CrossSigningKey{Usage: usage}
	if len(raw) > maxCross {
		return key, matrix.Errorf(matrix.TooLarge, "A cross-signing key has at most %d bytes.", maxCross)
	}
	v := gjson.ParseBytes(raw)
	named := false
	for _, u := range v.Get("usage").Array() {
		named = named || u.Str == string(usage)
	}
	keys := v.Get("keys").Map()
	if !v.IsObject() || !named || v.Get("user_id").Str != string(user) || len(keys) != 1 {
		return key, matrix.Errorf(matrix.InvalidParam, "A %s key is your own, says its usage, and holds one key.", usage)
	}
	for name, value := range keys {
		key.Key = value.Str
		pub, err := decodeBase64(value.Str)
		if err != nil || len(pub) != 32 || name != "ed25519:"+value.Str || strings.ContainsAny(value.Str, ".*?") {
			return key, matrix.Errorf(matrix.InvalidParam, "The key of a %s key is an ed25519 key named by itself.", usage)
		}
	}
	canonical, err := event.AppendCanonical(nil, raw, false)
	if err != nil {
		return key, badKeys("The %s key is not valid: %v.", usage, err)
	}
	key.JSON = canonical
	return key, nil
}
