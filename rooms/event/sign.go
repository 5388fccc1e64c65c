package event

import (
	"crypto/ed25519"
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
	old    []OldKey
	open   []byte // the signatures of an event, up to the signature itself
}

// NewSigner makes the signer of server; keyID is like "ed25519:a1".
func NewSigner(server, keyID string, key ed25519.PrivateKey) *Signer {
	open := appendString([]byte(`,"signatures":{`), server)
	open = appendString(append(open, `:{`...), keyID)
	return &Signer{server: server, keyID: keyID, key: key, open: append(open, `:"`...)}
}

// Server returns the name of the server that signs.
func (s *Signer) Server() string { return s.server }

// KeyID returns the name of the key, such as "ed25519:a1".
func (s *Signer) KeyID() string { return s.keyID }

// Public returns the key that others verify with.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// Old returns the keys that the server has signed with before.
func (s *Signer) Old() []OldKey { return s.old }

// Sign returns the signature of message.
func (s *Signer) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// signatureSize is the length of a signature in base64.
const signatureSize = 86

// sign puts the signature of message into dst, in base64.
func (s *Signer) sign(dst, message []byte) { base64Bytes.Encode(dst, s.Sign(message)) }

var (
	errNoSignature    = errors.New("not signed with that key")
	errWrongSignature = errors.New("the signature is not valid")
)

// Verify checks that server signed p with the key called keyID.
//
// Spec: server-server-api#validating-hashes-and-signatures-on-received-events
func Verify(p *PDU, server string, key ed25519.PublicKey, keyID string) error {
	signature, err := findSignature(p.JSON, server, keyID)
	if err == nil {
		var few [smallEvent]byte
		if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, appendSigned(few[:0], p.Rules, p.JSON), signature) {
			err = errWrongSignature
		}
	}
	if err != nil {
		return fmt.Errorf("event %s, key %s of %s: %w", p.ID, keyID, server, err)
	}
	return nil
}

// Signatures calls fn with every signature that p carries.
func (p *PDU) Signatures(fn func(server, keyID string)) {
	parse(p.JSON).Get("signatures").ForEach(func(server, keys gjson.Result) bool {
		keys.ForEach(func(keyID, _ gjson.Result) bool {
			fn(server.Str, keyID.Str)
			return true
		})
		return true
	})
}

// findSignature reads one signature. Names of servers and keys hold dots,
// which a gjson path would take apart.
func findSignature(event []byte, server, keyID string) ([]byte, error) {
	value := lookup(lookup(parse(event).Get("signatures"), server), keyID)
	if value.Type != gjson.String {
		return nil, errNoSignature
	}
	signature, err := decodeBase64(value.Str)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return nil, errWrongSignature
	}
	return signature, nil
}

// lookup returns the member of object that has exactly this name.
func lookup(object gjson.Result, name string) (found gjson.Result) {
	if !object.IsObject() {
		return found
	}
	object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return !found.Exists()
	})
	return found
}
