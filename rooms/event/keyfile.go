package event

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

var errKeyFile = errors.New(`not a signing key: one line "ed25519 NAME SEED" is expected`)

// OpenSigner makes the signer of server with the key in a file, which it
// writes with a new key if it does not exist yet.
func OpenSigner(server, path string) (*Signer, error) {
	keyID, key, err := ReadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = CreateKey(path); err == nil {
			keyID, key, err = ReadKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return NewSigner(server, keyID, key), nil
}

// ReadKey reads a signing key and its id, such as "ed25519:a1", from a file
// with one line: "ed25519", the key's name, and its seed in base64. Other
// servers use the same form.
func ReadKey(path string) (keyID string, key ed25519.PrivateKey, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	if keyID, key, err = ParseKey(string(b)); err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return keyID, key, nil
}

// ParseKey is ReadKey for the content of a file.
func ParseKey(text string) (keyID string, key ed25519.PrivateKey, err error) {
	words := strings.Fields(text)
	if len(words) != 3 || words[0] != "ed25519" {
		return "", nil, errKeyFile
	}
	seed, err := decodeBase64(words[2])
	if err != nil || len(seed) != ed25519.SeedSize {
		return "", nil, errKeyFile
	}
	return "ed25519:" + words[1], ed25519.NewKeyFromSeed(seed), nil
}

// CreateKey writes a new signing key to a file that only its owner may read.
// It never replaces a file: who loses the key loses the server's name.
func CreateKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	line := "ed25519 p_" + strings.ToLower(rand.Text()[:6]) + " " + base64Bytes.EncodeToString(key.Seed()) + "\n"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Sync(), f.Close())
}
