package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/rooms/event"
)

// thirdParty checks an invitation that came by way of an identity server: the
// invited person has shown to be who the invitation in the room was for.
//
// Spec: rooms/v12#authorisation-rules, rule 5.4.1
func (c *change) thirdParty(tpi gjson.Result) error {
	if c.was == ban {
		return forbid("%s is banned from the room.", c.target)
	}
	signed := tpi.Get("signed")
	mxid, token := signed.Get("mxid"), signed.Get("token")
	if !signed.IsObject() || mxid.Type != gjson.String || token.Type != gjson.String {
		return forbid("The invitation is not signed.")
	}
	if mxid.Str != c.target {
		return forbid("The invitation is for somebody else.")
	}
	invitation := c.s.Get("m.room.third_party_invite", token.Str)
	if invitation == nil {
		return forbid("There is no such invitation.")
	}
	if invitation.Sender != c.p.Sender {
		return forbid("Somebody else sent that invitation.")
	}
	if !signedByOne(signed, invitationKeys(invitation)) {
		return forbid("The identity server's signature is not valid.")
	}
	return nil
}

// invitationKeys returns the keys that may sign for an invitation.
func invitationKeys(invitation *event.PDU) []ed25519.PublicKey {
	names := []string{text(invitation, "public_key")}
	for _, k := range gjson.GetBytes(invitation.Content, "public_keys").Array() {
		names = append(names, k.Get("public_key").Str)
	}
	var out []ed25519.PublicKey
	for _, n := range names {
		if key, err := decodeBase64(n); err == nil && len(key) == ed25519.PublicKeySize {
			out = append(out, key)
		}
	}
	return out
}

// signedByOne reports whether any signature of an object is by any of keys.
//
// Spec: appendices#checking-for-a-signature
func signedByOne(object gjson.Result, keys []ed25519.PublicKey) bool {
	message, err := event.SignedBytes([]byte(object.Raw))
	if err != nil {
		return false
	}
	found := false
	object.Get("signatures").ForEach(func(_, server gjson.Result) bool {
		server.ForEach(func(name, value gjson.Result) bool {
			found = found || strings.HasPrefix(name.Str, "ed25519:") && verifies(keys, message, value.Str)
			return !found
		})
		return !found
	})
	return found
}

func verifies(keys []ed25519.PublicKey, message []byte, signature string) bool {
	sig, err := decodeBase64(signature)
	if err != nil {
		return false
	}
	for _, k := range keys {
		if ed25519.Verify(k, message, sig) {
			return true
		}
	}
	return false
}

// decodeBase64 reads either alphabet, with or without padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}
