package blob

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// ErrKeyLost is returned by Open when the folder was written with a key that
// the key file does not hold. Nothing in the folder can be read without it.
var ErrKeyLost = errors.New("the media key does not fit the media folder: restore the key file from a backup, or move the folder away to start an empty one")

// recipientFile, in the blob folder, holds the public half of the key. It
// tells a lost key from a first start.
const recipientFile = "recipient"

// key is the secret of a folder, unwrapped for its two uses.
type key struct {
	identities []age.Identity
	recipient  age.Recipient
	name       []byte // HMAC key of the names
}

// loadKey reads the key file, or makes one when both it and the folder are
// new. The first identity of the file encrypts; all of them decrypt.
func loadKey(path, dir string) (*key, error) {
	known, err := os.ReadFile(filepath.Join(dir, recipientFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if len(known) > 0 {
			return nil, fmt.Errorf("media key %s is missing: %w", path, ErrKeyLost)
		}
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("create media key: %w", err)
		}
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	identities, err := parseIdentities(file)
	if err == nil {
		err = checkRecipient(dir, string(known), identities)
	}
	if err != nil {
		return nil, fmt.Errorf("media key %s: %w", path, err)
	}
	return newKey(identities, 0)
}

// parseIdentities reads the content of a key file.
func parseIdentities(r io.Reader) ([]*age.X25519Identity, error) {
	all, err := age.ParseIdentities(r)
	if err != nil {
		return nil, err
	}
	identities := make([]*age.X25519Identity, len(all))
	for i, identity := range all {
		x, ok := identity.(*age.X25519Identity)
		if !ok {
			return nil, fmt.Errorf("identity %d is not an X25519 one", i+1)
		}
		identities[i] = x
	}
	return identities, nil
}

// newKey returns the key which encrypts with one of identities.
func newKey(identities []*age.X25519Identity, n int) (*key, error) {
	name, err := hkdf.Key(sha256.New, []byte(identities[n].String()), nil, "plenum blob names", sha256.Size)
	if err != nil {
		return nil, err
	}
	k := &key{recipient: identities[n].Recipient(), name: name}
	for _, x := range identities {
		k.identities = append(k.identities, x)
	}
	return k, nil
}

// createKey writes a new identity that only the owner may read. The file
// appears whole or not at all: a key that is lost in a crash after the first
// blob was written would lose the blob as well.
func createKey(path string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text := "# Plenum media key. Without it no media can be read: keep a copy away from this disk.\n" +
		"# public key: " + identity.Recipient().String() + "\n" + identity.String() + "\n"
	return writeFile(path, []byte(text))
}

// checkRecipient compares the key with the one the folder was made with, and
// notes it there at the first start.
func checkRecipient(dir, known string, identities []*age.X25519Identity) error {
	known = strings.TrimSpace(known)
	for i, identity := range identities {
		recipient := identity.Recipient().String()
		if known == "" && i == 0 {
			return writeFile(filepath.Join(dir, recipientFile), []byte(recipient+"\n"))
		}
		if known == recipient {
			return nil
		}
	}
	return ErrKeyLost
}

// writeFile writes a small secret file durably: mode 0600, synced, then named.
func writeFile(path string, data []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
