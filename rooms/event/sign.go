package event

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// Signer signs in the name of one server with one key. It is safe for use by
// many goroutines.
type Signer struct {
	server string
	keyID  string
	key    ed25519.PrivateKey
	// open and end surround the signature: the signatures member of an event
	// that only this server signed.
	open, end []byte
}

// NewSigner makes the signer of server; keyID is like "ed25519:a1".
func NewSigner(server, keyID string, key ed25519.PrivateKey) *Signer {
	open := appendString([]byte(`,"signatures":{`), server)
	open = appendString(append(open, ':', '{'), keyID)
	return &Signer{server: server, keyID: keyID, key: key, open: append(open, ':', '"'), end: []byte(`"}}`)}
}

// Server returns the name of the server that signs.
func (s *Signer) Server() string { return s.server }

// KeyID returns the name of the key, such as "ed25519:a1".
func (s *Signer) KeyID() string { return s.keyID }

// Public returns the key that others verify with.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// base64Bytes is Matrix's base64, which has no padding.
//
// Spec: appendices#unpadded-base64
var base64Bytes = base64.RawStdEncoding

// signatureSize is the length of a signature in base64.
const signatureSize = 86

// appendSignature appends the signature of message in base64.
func (s *Signer) appendSignature(dst, message []byte) []byte {
	return base64Bytes.AppendEncode(dst, ed25519.Sign(s.key, message))
}

var (
	errNoSignature    = errors.New("not signed with that key")
	errWrongSignature = errors.New("the signature does not fit the event")
)

// Verify checks that server signed p with the key called keyID.
//
// Spec: server-server-api#validating-hashes-and-signatures-on-received-events
func Verify(p *PDU, server string, key ed25519.PublicKey, keyID string) error {
	signature, err := findSignature(p.JSON, server, keyID)
	if err != nil {
		return fmt.Errorf("event %s, %s of %s: %w", p.ID, keyID, server, err)
	}
	var few [smallEvent]byte
	if !ed25519.Verify(key, appendSigned(few[:0], p.Rules, p.JSON), signature) {
		return fmt.Errorf("event %s, %s of %s: %w", p.ID, keyID, server, errWrongSignature)
	}
	return nil
}

// findSignature reads one signature. Names of servers and keys hold dots,
// which a gjson path would take apart.
func findSignature(event []byte, server, keyID string) (signature []byte, err error) {
	err = errNoSignature
	gjson.GetBytes(event, "signatures").ForEach(func(name, keys gjson.Result) bool {
		if name.Str != server {
			return true
		}
		keys.ForEach(func(name, value gjson.Result) bool {
			if name.Str != keyID {
				return true
			}
			signature, err = decodeBase64(value.Str)
			return false
		})
		return false
	})
	if err == nil && len(signature) != ed25519.SignatureSize {
		err = errWrongSignature
	}
	return signature, err
}
