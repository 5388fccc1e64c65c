package event

import (
	"encoding/json"

	"github.com/tidwall/sjson"
)

// Cosign returns p with the signature of s beside those that it has. Its id
// stays the same.
//
// Spec: server-server-api#validating-hashes-and-signatures-on-received-events
func Cosign(p *PDU, s *Signer) (*PDU, error) {
	signatures := map[string]map[string]string{}
	if raw := parse(p.JSON).Get("signatures").Raw; raw != "" {
		if err := json.Unmarshal([]byte(raw), &signatures); err != nil {
			return nil, badFormat("its signatures are malformed")
		}
	}
	if signatures[s.server] == nil {
		signatures[s.server] = map[string]string{}
	}
	signatures[s.server][s.keyID] = base64Bytes.EncodeToString(s.Sign(appendSigned(nil, p.Rules, p.JSON)))
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
