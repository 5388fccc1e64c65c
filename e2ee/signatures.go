package e2ee

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// Signed are keys with new signatures on them, by user and by device or public key.
type Signed map[id.UserID]map[string]json.RawMessage

// Failures says of which keys the signatures were not taken, and why.
type Failures map[id.UserID]map[string]*matrix.Error

// Sign stores signatures that the user made: on own devices and the own
// master key, and on the master keys of others. Each has to hold.
//
// Spec: client-server-api#post_matrixclientv3keyssignaturesupload
func (k *Keys) Sign(ctx context.Context, p matrix.Principal, signed Signed) (Failures, error) {
	me, err := k.person(ctx, p.User)
	if err != nil {
		return nil, err
	}
	failures := Failures{}
	var own, foreign []signature
	for user, keys := range signed {
		for target, raw := range keys {
			sigs, err := k.signatures(ctx, p.User, me, user, target, raw)
			if refusal := (*matrix.Error)(nil); errors.As(err, &refusal) {
				if failures[user] == nil {
					failures[user] = map[string]*matrix.Error{}
				}
				failures[user][target] = refusal
				continue
			}
			if err != nil {
				return nil, err
			}
			if user == p.User {
				own = append(own, sigs...)
			} else {
				foreign = append(foreign, sigs...)
			}
		}
	}
	if err := k.signOwn(ctx, p.User, own); err != nil {
		return nil, err
	}
	return failures, k.signForeign(ctx, p.User, foreign)
}

// signature is a checked signature on a key of user.
type signature struct {
	user   id.UserID
	device bool // it is the key of a device
	devicekeys.Signature
}

// signatures returns the new signatures by signer on a key.
func (k *Keys) signatures(ctx context.Context, signer id.UserID, me *person, user id.UserID, target string, raw json.RawMessage) ([]signature, error) {
	who := me
	if user != signer {
		may, err := k.mayAsk(ctx, signer, user)
		if err != nil {
			return nil, err
		}
		if !may {
			return nil, errNoKey()
		}
		if who, err = k.person(ctx, user); err != nil {
			return nil, err
		}
	}
	stored, name, err := who.target(target, user == signer)
	if err != nil {
		return nil, err
	}
	if !sameUnsigned(stored, raw) {
		return nil, matrix.Errorf(matrix.InvalidParam, "The key that is signed is not the one that the server has.")
	}
	known := signaturesOf(stored)[signer]
	var out []signature
	for keyID, sig := range signaturesOf(raw)[signer] {
		if known[keyID] == sig {
			continue
		}
		if !verify(stored, me.signingKey(keyID, user == signer), sig) {
			return nil, matrix.Errorf(matrix.InvalidSignature, "The signature is wrong, or by a key that may not sign this.")
		}
		_, device := who.devices[id.DeviceID(name)]
		out = append(out, signature{user, device, devicekeys.Signature{Target: name, Signer: signer, KeyID: keyID, Signature: sig}})
	}
	if out == nil && len(known) == 0 {
		return nil, matrix.Errorf(matrix.InvalidSignature, "There is no signature by you.")
	}
	return out, nil
}

func errNoKey() error {
	return matrix.Errorf(matrix.NotFound, "There is no such key.")
}

// target returns the key of a person that is named by a device or by itself,
// and the name under which signatures on it are kept. Of others, only the
// master key is signed.
func (p *person) target(name string, own bool) (json.RawMessage, string, error) {
	name = strings.TrimPrefix(name, "ed25519:")
	if m, ok := p.cross[devicekeys.Master]; ok && m.key == name {
		return m.json, name, nil
	}
	if raw, ok := p.devices[id.DeviceID(name)]; ok && own {
		return raw, name, nil
	}
	return nil, "", errNoKey()
}

// signingKey returns the public key of a person's key that may sign own keys,
// or those of others: "" when there is none with that name.
func (p *person) signingKey(keyID string, own bool) string {
	name := strings.TrimPrefix(keyID, "ed25519:")
	if !own {
		if c := p.cross[devicekeys.UserSigning]; c.key == name {
			return c.key
		}
		return ""
	}
	if c := p.cross[devicekeys.SelfSigning]; c.key == name {
		return c.key
	}
	if c := p.cross[devicekeys.Master]; c.key == name {
		return c.key
	}
	if raw, ok := p.devices[id.DeviceID(name)]; ok { // a device signs the master key
		return gjson.GetBytes(raw, "keys."+gjson.Escape(keyID)).Str
	}
	return ""
}

// signOwn stores signatures on own keys, which everybody may see.
func (k *Keys) signOwn(ctx context.Context, user id.UserID, sigs []signature) error {
	if len(sigs) == 0 {
		return nil
	}
	return k.write(ctx, user, func(tx *storage.Tx) error {
		for _, s := range sigs {
			if _, err := devicekeys.AddSignature(ctx, tx, user, s.Signature); err != nil {
				return err
			}
		}
		return nil
	}, changedBy(sigs)...)
}

// changedBy returns the devices that have got signatures.
func changedBy(sigs []signature) []id.DeviceID {
	var out []id.DeviceID
	for _, s := range sigs {
		device := crossSigning
		if s.device {
			device = id.DeviceID(s.Target)
		}
		if !slices.Contains(out, device) {
			out = append(out, device)
		}
	}
	return out
}

// signForeign stores signatures on keys of others. They are between the signer
// and the signer's own devices: nobody else is told.
func (k *Keys) signForeign(ctx context.Context, signer id.UserID, sigs []signature) error {
	if len(sigs) == 0 {
		return nil
	}
	return k.db.Write(ctx, func(tx *storage.Tx) error {
		for _, s := range sigs {
			pos, err := devicekeys.AddSignature(ctx, tx, s.user, s.Signature)
			if err != nil {
				return err
			}
			tx.OnCommit(func() {
				k.forget(s.user)
				k.news.signed(signer, s.user, pos)
			})
		}
		tx.Wake(rooms.UserTopic(signer))
		return nil
	})
}
