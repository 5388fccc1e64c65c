package account

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is how much work it is to check a password.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// passwordHash is a hash with what it takes to make it again.
type passwordHash struct {
	cost
	salt, sum []byte
}

// Limits of a stored hash, so that a damaged one does not exhaust the memory.
const (
	maxMemory = 4 << 20 // KiB
	maxPasses = 1 << 10
)

var errPasswordHash = errors.New("stored hash of a password cannot be read")

// String is the usual form of such hashes, in which they are stored.
func (h passwordHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

// parseHash reads what String wrote.
func parseHash(s string) (h passwordHash, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errPasswordHash
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, errPasswordHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, errPasswordHash
	}
	if h.memory > maxMemory || h.passes == 0 || h.passes > maxPasses || h.lanes == 0 {
		return h, errPasswordHash
	}
	enc := base64.RawStdEncoding.Strict()
	if h.salt, err = enc.DecodeString(parts[4]); err != nil || len(h.salt) == 0 {
		return h, errPasswordHash
	}
	if h.sum, err = enc.DecodeString(parts[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, errPasswordHash
	}
	return h, nil
}
