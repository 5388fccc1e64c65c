package event

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

var errKeyFile = errors.New(`not a signing key: a line "ed25519 NAME SEED" is expected, and after it nothing but lines "old ed25519 NAME KEY TIME"`)

// OldKey is a key with which a server has signed before.
type OldKey struct {
	ID      string // such as "ed25519:a1"
	Public  ed25519.PublicKey
	Expired int64 // when it was replaced, in milliseconds
}

// keyFile is what a file with a signing key holds.
type keyFile struct {
	id  string
	key ed25519.PrivateKey
	old []OldKey
}

// OpenSigner makes the signer of server with the key in a file, which it
// writes with a new key if it does not exist yet.
func OpenSigner(server, path string) (*Signer, error) {
	f, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = CreateKey(path); err == nil {
			f, err = readKeyFile(path)
		}
	}
	if err != nil {
		return nil, err
	}
	s := NewSigner(server, f.id, f.key)
	s.old = f.old
	return s, nil
}

// ReadKey reads a signing key and its id, such as "ed25519:a1", from a file
// whose first line is "ed25519", the key's name, and its seed in base64. Other
// servers use the same form. Lines after it tell the keys before it.
func ReadKey(path string) (keyID string, key ed25519.PrivateKey, err error) {
	f, err := readKeyFile(path)
	return f.id, f.key, err
}

func readKeyFile(path string) (keyFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return keyFile{}, err
	}
	f, err := parseKeyFile(string(b))
	if err != nil {
		return keyFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// ParseKey is ReadKey for the content of a file.
func ParseKey(text string) (keyID string, key ed25519.PrivateKey, err error) {
	f, err := parseKeyFile(text)
	return f.id, f.key, err
}

func parseKeyFile(text string) (f keyFile, err error) {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	words := strings.Fields(first)
	if len(words) != 3 || words[0] != "ed25519" {
		return keyFile{}, errKeyFile
	}
	seed, err := decodeBase64(words[2])
	if err != nil || len(seed) != ed25519.SeedSize {
		return keyFile{}, errKeyFile
	}
	f.id, f.key = "ed25519:"+words[1], ed25519.NewKeyFromSeed(seed)
	for line := range strings.Lines(rest) {
		old, err := parseOldKey(strings.Fields(line))
		if err != nil {
			return keyFile{}, err
		}
		f.old = append(f.old, old)
	}
	return f, nil
}

func parseOldKey(words []string) (OldKey, error) {
	if len(words) != 5 || words[0] != "old" || words[1] != "ed25519" {
		return OldKey{}, errKeyFile
	}
	public, err := decodeBase64(words[3])
	expired, timeErr := strconv.ParseInt(words[4], 10, 64)
	if err != nil || timeErr != nil || len(public) != ed25519.PublicKeySize {
		return OldKey{}, errKeyFile
	}
	return OldKey{ID: "ed25519:" + words[2], Public: public, Expired: expired}, nil
}

// RotateKey puts a new signing key in place of the one in a file, of which
// only the public half stays, with which what was signed before is verified.
func RotateKey(path string, now time.Time) (keyID string, err error) {
	before, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	f, err := parseKeyFile(string(before))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	next := path + ".new"
	if err := CreateKey(next); err != nil {
		return "", err
	}
	line, err := os.ReadFile(next)
	if err != nil {
		return "", err
	}
	old := append([]OldKey{{f.id, f.key.Public().(ed25519.PublicKey), now.UnixMilli()}}, f.old...)
	for _, k := range old {
		line = fmt.Appendf(line, "old %s %s %d\n", strings.Replace(k.ID, ":", " ", 1), base64Bytes.EncodeToString(k.Public), k.Expired)
	}
	if err := os.WriteFile(next, line, 0o600); err != nil {
		return "", err
	}
	keyID, _, err = ParseKey(string(line))
	if err != nil {
		return "", err
	}
	return keyID, os.Rename(next, path)
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
