package keyring

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// ownValidity is how long others may keep our keys: short enough that a stolen
// one is soon no good, long enough that we may be away for a day.
const ownValidity = 48 * time.Hour

// Own returns what this server says of its keys, signed by it.
//
// Spec: server-server-api#get_matrixkeyv2server
func (r *Ring) Own() (json.RawMessage, error) {
	now := r.opt.Now()
	r.ownMu.Lock()
	defer r.ownMu.Unlock()
	if now.Before(r.ownUntil) {
		return r.own, nil
	}
	signed, err := r.makeOwn(now)
	if err != nil {
		return nil, err
	}
	r.own, r.ownUntil = signed, now.Add(time.Hour)
	return signed, nil
}

func (r *Ring) makeOwn(now time.Time) (json.RawMessage, error) {
	text := base64.RawStdEncoding.EncodeToString
	old := map[string]any{}
	for _, k := range r.signer.Old() {
		old[k.ID] = map[string]any{"key": text(k.Public), "expired_ts": k.Expired}
	}
	raw, err := json.Marshal(map[string]any{
		"server_name":     r.signer.Server(),
		"valid_until_ts":  now.Add(ownValidity).UnixMilli(),
		"verify_keys":     map[string]any{r.signer.KeyID(): map[string]string{"key": text(r.signer.Public())}},
		"old_verify_keys": old,
	})
	if err != nil {
		return nil, err
	}
	return sign(r.signer, raw)
}

// ownKeys are the keys of this server.
func (r *Ring) ownKeys() map[string]key {
	all := map[string]key{r.signer.KeyID(): {r.signer.Public(), r.opt.Now().Add(longestValidity).UnixMilli()}}
	for _, k := range r.signer.Old() {
		all[k.ID] = key{k.Public, k.Expired}
	}
	return all
}
