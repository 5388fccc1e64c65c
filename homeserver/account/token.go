package account

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// tokenKind is the beginning of a token, by which people and scanners for
// leaked secrets know it.
type tokenKind string

// The kinds of tokens.
const (
	accessToken  tokenKind = "pla_"
	refreshToken tokenKind = "plr_"
	loginToken   tokenKind = "pll_"
	openIDToken  tokenKind = "plo_"
)

const (
	secretBytes   = 24
	familyBytes   = 16 // of a refresh token, before its secret
	checksumBytes = 4
)

// newToken makes a token of lead and a secret. It ends in a checksum, so that
// tokens of elsewhere are told without the database.
func newToken(kind tokenKind, lead []byte) string {
	raw := make([]byte, len(lead)+secretBytes, len(lead)+secretBytes+checksumBytes)
	copy(raw, lead)
	rand.Read(raw[len(lead):]) // never fails
	raw = binary.BigEndian.AppendUint32(raw, checksum(kind, raw))
	return string(kind) + base64.RawURLEncoding.EncodeToString(raw)
}

// newFamily makes what the refresh tokens of one session share.
func newFamily() []byte {
	family := make([]byte, familyBytes)
	rand.Read(family)
	return family
}

// openToken returns the bytes of a token without its checksum, and false when
// it is none of ours.
func openToken(kind tokenKind, token string) ([]byte, bool) {
	body, ok := strings.CutPrefix(token, string(kind))
	want := secretBytes + checksumBytes
	if kind == refreshToken {
		want += familyBytes
	}
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(want) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) != want { // line breaks are passed over
		return nil, false
	}
	raw, sum := raw[:want-checksumBytes], raw[want-checksumBytes:]
	return raw, binary.BigEndian.Uint32(sum) == checksum(kind, raw)
}

// openRefresh returns the family of a refresh token, and false when it is none
// of ours.
func openRefresh(token string) (family string, ok bool) {
	raw, ok := openToken(refreshToken, token)
	if !ok {
		return "", false
	}
	return string(raw[:familyBytes]), true
}

func checksum(kind tokenKind, raw []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, raw)
}
