package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"maunium.net/go/mautrix/id"
)

// smallEvent is room for most events on the stack.
const smallEvent = 2048

// hashSize is the length of a SHA-256 hash in base64.
const hashSize = 43

// base64Bytes is Matrix's base64, which has no padding.
//
// Spec: appendices#unpadded-base64
var base64Bytes = base64.RawStdEncoding

// decodeBase64 accepts padding, which some servers write.
func decodeBase64(s string) ([]byte, error) {
	return base64Bytes.DecodeString(strings.TrimRight(s, "="))
}

// Hash returns the hash by which other events refer to p. It stays the same
// when the event is redacted.
//
// Spec: server-server-api#calculating-the-reference-hash-for-an-event
func (p *PDU) Hash() [sha256.Size]byte {
	var few [smallEvent]byte
	return sha256.Sum256(appendSigned(few[:0], p.Rules, p.JSON))
}

// hashID makes the event id of a reference hash.
//
// Spec: rooms/v3#event-ids
// Spec: rooms/v4#event-ids
func hashID(rules *Rules, sum [sha256.Size]byte) id.EventID {
	enc := base64.RawURLEncoding
	if rules.IDs == HashID {
		enc = base64.RawStdEncoding
	}
	var out [1 + hashSize]byte
	out[0] = '$'
	enc.Encode(out[1:], sum[:])
	return id.EventID(out[:])
}

// appendSigned appends what the reference hash and the signatures of a
// canonical event are over: its redacted form without signatures.
func appendSigned(dst []byte, rules *Rules, canonical []byte) []byte {
	return appendRedacted(dst, rules, canonical, false)
}

// SignedBytes returns what signatures of a JSON object are over. Of an event
// they are over less: see Verify.
//
// Spec: appendices#signing-json
func SignedBytes(object []byte) ([]byte, error) {
	canonical, err := AppendCanonical(nil, object, false)
	if err != nil {
		return nil, err
	}
	if canonical[0] != '{' {
		return nil, errNotObject
	}
	return appendWithout(nil, canonical, "signatures", "unsigned"), nil
}

// hashFits reports whether a canonical event has the content hash it names,
// which is over all but hashes, signatures and the unsigned part.
//
// Spec: server-server-api#calculating-the-content-hash-for-an-event
func hashFits(canonical []byte) bool {
	named, err := decodeBase64(parse(canonical).Get("hashes.sha256").Str)
	if err != nil {
		return false
	}
	var few [smallEvent]byte
	sum := sha256.Sum256(appendWithout(few[:0], canonical, "hashes", "signatures", "unsigned"))
	return bytes.Equal(named, sum[:])
}
