package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Identity is a secret key that backups can be read with.
type Identity = age.Identity

// ParseRecipients reads public keys of age, such as "age1…".
func ParseRecipients(keys []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, key := range keys {
		one, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(one) != 1 {
			return nil, fmt.Errorf("%q is no public key of age: one begins with age1", key)
		}
		all = append(all, one...)
	}
	return all, nil
}

// ReadIdentities reads an identity file of age: lines of secret keys, such as
// "AGE-SECRET-KEY-1…".
func ReadIdentities(r io.Reader) ([]age.Identity, error) {
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("age-encryption.org/")) || bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----")) {
		return nil, errors.New("it is encrypted itself; decrypt it first: age --decrypt")
	}
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("it is no identity file of age: a line that begins with AGE-SECRET-KEY- is expected")
	}
	return all, nil
}

// NewIdentity makes a new secret key for backups. It returns the content of
// its file and the public key.
func NewIdentity() (file, recipient string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	recipient = identity.Recipient().String()
	return "# Secret key for Plenum backups. Whoever has it can read them; without it nobody can.\n" +
		"# public key: " + recipient + "\n" + identity.String() + "\n", recipient, nil
}
