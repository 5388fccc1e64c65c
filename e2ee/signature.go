package e2ee

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/tidwall/sjson"

	"plenum/rooms/event"
)

// signable is what a signature on raw covers.
//
// Spec: appendices#signing-details
func signable(raw json.RawMessage) ([]byte, error) {
	b, err := sjson.DeleteBytes(raw, "signatures")
	if err == nil {
		b, err = sjson.DeleteBytes(b, "unsigned")
	}
	if err != nil {
		return nil, err
	}
	return event.AppendCanonical(nil, b, false)
}

// verify reports whether sig is the signature of key on raw; both are in base64.
func verify(raw json.RawMessage, key, sig string) bool {
	pub, err := decodeBase64(key)
	if err != nil || len(pub) != ed25519.PublicKeySize {
		return false
	}
	s, err := decodeBase64(sig)
	if err != nil {
		return false
	}
	b, err := signable(raw)
	return err == nil && ed25519.Verify(pub, b, s)
}

// decodeBase64 reads base64 with padding or without.
func decodeBase64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}
