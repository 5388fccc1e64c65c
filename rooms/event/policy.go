package event

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// policyKeyID is the name of the key with which every policy server signs.
const policyKeyID = "ed25519:policy_server"

// Policy is what a room says of its policy server.
//
// Spec: client-server-api#mroompolicy
type Policy struct {
	Server string
	Key    ed25519.PublicKey
}

// ReadPolicy reads the content of m.room.policy, and reports whether it names
// a server and its key.
func ReadPolicy(content []byte) (Policy, bool) {
	c := gjson.ParseBytes(content)
	via, key := c.Get("via"), c.Get("public_keys.ed25519")
	if via.Type != gjson.String || via.Str == "" || key.Type != gjson.String {
		return Policy{}, false
	}
	raw, err := decodeBase64(key.Str)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return Policy{}, false
	}
	return Policy{Server: via.Str, Key: raw}, true
}

// Exempt reports whether an event needs no signature of a policy server: that
// which sets it, so that a room can always get rid of it.
//
// Spec: server-server-api#validating-policy-server-signatures
func (Policy) Exempt(p *PDU) bool { return p.Is("m.room.policy", "") }

// Approval says what became of the signature of a policy server.
type Approval int

// What may have become of it.
const (
	NotApproved   Approval = iota // it is missing: the policy server can be asked
	Approved                      // it is there and valid
	WrongApproval                 // it is there, and not of the key that the room names
)

// Approval looks for the policy server's signature of p.
func (y Policy) Approval(p *PDU) Approval {
	err := Verify(p, y.Server, y.Key, policyKeyID)
	switch {
	case err == nil:
		return Approved
	case errors.Is(err, errNoSignature):
		return NotApproved
	}
	return WrongApproval
}

// Approve returns p with the signature that the policy server has answered
// with, by server and key; it has to be valid. The id of p stays the same.
func (y Policy) Approve(p *PDU, answer map[string]map[string]string) (*PDU, error) {
	signature, ok := answer[y.Server][policyKeyID]
	if !ok {
		return nil, errNoSignature
	}
	out, err := withSignature(p, y.Server, policyKeyID, signature)
	if err == nil && y.Approval(out) != Approved {
		err = errWrongSignature
	}
	return out, err
}

// withSignature returns p with one more signature, in base64.
func withSignature(p *PDU, server, keyID, signature string) (*PDU, error) {
	signatures := map[string]map[string]string{}
	if raw := parse(p.JSON).Get("signatures").Raw; raw != "" {
		if err := json.Unmarshal([]byte(raw), &signatures); err != nil {
			return nil, badFormat("its signatures are malformed")
		}
	}
	if signatures[server] == nil {
		signatures[server] = map[string]string{}
	}
	signatures[server][keyID] = signature
	raw, err := json.Marshal(signatures)
	if err != nil {
		return nil, err
	}
	out, err := sjson.SetRawBytes(append([]byte(nil), p.JSON...), "signatures", raw)
	if err != nil {
		return nil, err
	}
	canonical, err := AppendCanonical(nil, out, p.Rules.StrictJSON)
	if err != nil {
		return nil, err
	}
	return read(p.Rules, canonical, p.ID)
}
