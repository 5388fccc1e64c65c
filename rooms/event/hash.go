package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// smallEvent is room for most events on the stack.
const smallEvent = 2048

// hashSize is the length of a SHA-256 hash in base64.
const hashSize = 43

// contentHash is the hash over all of a canonical event but its hashes,
// signatures and unsigned part.
//
// Spec: server-server-api#calculating-the-content-hash-for-an-event
func contentHash(event []byte) [sha256.Size]byte {
	var few [smallEvent]byte
	return sha256.Sum256(appendWithout(few[:0], event, "hashes", "signatures", "unsigned"))
}

// hashFits reports whether a canonical event has the content hash it names.
func hashFits(event []byte) bool {
	named, err := decodeBase64(gjson.GetBytes(event, "hashes.sha256").Str)
	sum := contentHash(event)
	return err == nil && bytes.Equal(named, sum[:])
}

// ReferenceHash is the hash by which other events refer to an event. It stays
// the same when the event is redacted.
//
// Spec: server-server-api#calculating-the-reference-hash-for-an-event
func ReferenceHash(rules *Rules, canonical []byte) [sha256.Size]byte {
	var few [smallEvent]byte
	return sha256.Sum256(appendSigned(few[:0], rules, canonical))
}

// hashID makes the event id of a reference hash.
//
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

// appendWithout appends a canonical object without some of its members.
func appendWithout(dst, object []byte, names ...string) []byte {
	dst = append(dst, '{')
	first := true
	eachMember(object, func(name, value string) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		dst = appendMember(dst, &first, name, value)
	})
	return append(dst, '}')
}

// decodeBase64 accepts padding, which some servers write.
func decodeBase64(s string) ([]byte, error) {
	return base64Bytes.DecodeString(strings.TrimRight(s, "="))
}
