package eventlog

import (
	"encoding/base64"
	"strings"

	"maunium.net/go/mautrix/id"
)

// hashLen is the length of the reference hash that is an event's id since
// room version 3. It is stored raw: the index over event ids is half the cost
// of an insert, and 32 bytes cost less there than 44.
const hashLen = 32

// encodeID returns the stored form of an event id.
func encodeID(ev id.EventID) []byte {
	s := string(ev)
	if len(s) == 44 && s[0] == '$' {
		enc := base64.RawURLEncoding
		if strings.ContainsAny(s, "+/") {
			enc = base64.RawStdEncoding
		}
		if raw, err := enc.Strict().DecodeString(s[1:]); err == nil {
			return raw
		}
	}
	return []byte(s)
}

func encodeIDs(ids []id.EventID) [][]byte {
	raw := make([][]byte, len(ids))
	for i, ev := range ids {
		raw[i] = encodeID(ev)
	}
	return raw
}

// formerID is the stored form of the id of an event that was given a second
// place: see Supersede.
func formerID(ev id.EventID) []byte { return append(encodeID(ev), 0) }

// decodeID is the inverse of encodeID, and of formerID, for a room of version.
func decodeID(raw []byte, version string) id.EventID {
	hashed := version != "1" && version != "2"
	if n := len(raw) - 1; n > 0 && raw[n] == 0 && (!hashed || n != hashLen-1) {
		raw = raw[:n]
	}
	if !hashed || len(raw) != hashLen {
		return id.EventID(raw)
	}
	enc := base64.RawURLEncoding
	if version == "3" {
		enc = base64.RawStdEncoding
	}
	var buf [44]byte
	buf[0] = '$'
	enc.Encode(buf[1:], raw)
	return id.EventID(buf[:])
}
