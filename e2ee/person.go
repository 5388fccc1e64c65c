package e2ee

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/devicekeys"
)

// person is the public keys of a user. It is immutable.
type person struct {
	devices map[id.DeviceID]json.RawMessage // with the signatures that everybody may see
	cross   map[devicekeys.Usage]crossKey
	foreign map[id.UserID][]devicekeys.Signature // by others, whom alone they concern
	remote  *remote                              // of a user of another server; nil when nothing is known
}

// crossKey is a cross-signing key with the signatures that everybody may see.
type crossKey struct {
	key  string
	json json.RawMessage
}

// person returns the keys of a user: of one of another server, what is known.
func (k *Keys) person(ctx context.Context, user id.UserID) (*person, error) {
	if p, ok := k.people.Get(user); ok {
		return p, nil
	}
	epoch := k.epoch.Load()
	var p *person
	err := k.db.Read(ctx, func(tx *storage.Tx) (err error) {
		if k.isLocal(user) {
			p, err = readPerson(ctx, tx, user)
		} else {
			p, err = readRemote(ctx, tx, user)
		}
		return err
	})
	// What changed while it was read must not be hidden by what was read.
	if err == nil && k.epoch.Load() == epoch {
		k.people.Add(user, p)
		if k.epoch.Load() != epoch {
			k.people.Remove(user)
		}
	}
	return p, err
}

// forget drops the keys of user from memory after a commit.
func (k *Keys) forget(user id.UserID) {
	k.epoch.Add(1)
	k.people.Remove(user)
}

func readPerson(ctx context.Context, tx *storage.Tx, user id.UserID) (*person, error) {
	p := &person{
		devices: map[id.DeviceID]json.RawMessage{}, cross: map[devicekeys.Usage]crossKey{},
		foreign: map[id.UserID][]devicekeys.Signature{},
	}
	sigs, err := devicekeys.Signatures(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	own := map[string][]devicekeys.Signature{}
	for _, s := range sigs {
		if s.Signer == user {
			own[s.Target] = append(own[s.Target], s)
		} else {
			p.foreign[s.Signer] = append(p.foreign[s.Signer], s)
		}
	}
	devices, err := devicekeys.Devices(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		p.devices[d.Device] = sign(d.JSON, own[string(d.Device)])
	}
	cross, err := devicekeys.CrossSigning(ctx, tx, user)
	for _, c := range cross {
		p.cross[c.Usage] = crossKey{c.Key, sign(c.JSON, own[c.Key])}
	}
	return p, err
}

// seenBy returns a cross-signing key as the user who asks sees it.
func (p *person) seenBy(user id.UserID, usage devicekeys.Usage) (json.RawMessage, bool) {
	c, ok := p.cross[usage]
	if !ok {
		return nil, false
	}
	var theirs []devicekeys.Signature
	for _, s := range p.foreign[user] {
		if s.Target == c.key {
			theirs = append(theirs, s)
		}
	}
	return sign(c.json, theirs), true
}

// sign adds signatures to a key.
func sign(raw json.RawMessage, sigs []devicekeys.Signature) json.RawMessage {
	if len(sigs) == 0 {
		return raw
	}
	all := signaturesOf(raw)
	for _, s := range sigs {
		if all[s.Signer] == nil {
			all[s.Signer] = map[string]string{}
		}
		all[s.Signer][s.KeyID] = s.Signature
	}
	out, err := sjson.SetBytes(raw, "signatures", all)
	if err != nil {
		return raw // it was checked when it was stored
	}
	return out
}

// signaturesOf reads the signatures of a signed object, by user and key.
func signaturesOf(raw json.RawMessage) map[id.UserID]map[string]string {
	out := map[id.UserID]map[string]string{}
	gjson.GetBytes(raw, "signatures").ForEach(func(user, keys gjson.Result) bool {
		mine := map[string]string{}
		keys.ForEach(func(key, sig gjson.Result) bool {
			if sig.Type == gjson.String {
				mine[key.Str] = sig.Str
			}
			return true
		})
		out[id.UserID(user.Str)] = mine
		return true
	})
	return out
}
