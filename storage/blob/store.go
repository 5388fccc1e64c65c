package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ErrNotFound is returned when there is no blob of that name.
var ErrNotFound = errors.New("no such blob")

const (
	pendingDir = "pending"
	partSuffix = ".part" // what is still being written
)

// ID names a blob: the keyed hash of its content in 64 hexadecimal digits, a
// dot, and 16 random digits. The random part makes every writing distinct, so
// that removing the last reference to a content and storing the same content
// anew never fight over one file.
type ID string

// Hash returns the part of the name that equal contents share.
func (id ID) Hash() string {
	hash, _, _ := strings.Cut(string(id), ".")
	return hash
}

// valid reports whether id has the form of a name, which makes it safe in a path.
func (id ID) valid() bool {
	hash, tail, ok := strings.Cut(string(id), ".")
	return ok && len(hash) == 64 && len(tail) == 16 && isHex(hash) && isHex(tail)
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// Store is a folder of blobs. Its methods may be called concurrently.
type Store struct {
	dir      string
	key      *key
	leftover []ID
	buffers  sync.Pool // *[readBuffer]byte, for Reader
}

// Open opens the folder dir, making it if needed, with the key in the file
// keyPath, making that at the first start (an age X25519 identity, mode 0600).
// It removes what an earlier process had not finished writing. The error is
// ErrKeyLost when the folder was written with another key.
func Open(dir, keyPath string) (*Store, error) {
	pending := filepath.Join(dir, pendingDir)
	if err := os.MkdirAll(pending, 0o700); err != nil {
		return nil, fmt.Errorf("open media folder: %w", err)
	}
	k, err := loadKey(keyPath, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, key: k}
	s.buffers.New = func() any { return new([readBuffer]byte) }
	entries, err := os.ReadDir(pending)
	if err != nil {
		return nil, fmt.Errorf("open media folder: %w", err)
	}
	for _, entry := range entries {
		if id := ID(entry.Name()); id.valid() {
			s.leftover = append(s.leftover, id)
			continue
		}
		if err := os.Remove(filepath.Join(pending, entry.Name())); err != nil {
			return nil, fmt.Errorf("clean media folder: %w", err)
		}
	}
	return s, nil
}

// Leftover returns the blobs that were sealed, but neither placed nor
// discarded, when the folder was opened. The caller owes each a Place or a Discard.
func (s *Store) Leftover() []ID { return s.leftover }

// Place ends the pending state of a sealed blob. It succeeds when the blob is
// in its place already.
func (s *Store) Place(id ID) error {
	if !id.valid() {
		return ErrNotFound
	}
	place := s.path(id)
	err := os.Rename(s.pending(id), place)
	if errors.Is(err, fs.ErrNotExist) { // no such folder yet, or placed before
		if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
			return err
		}
		err = os.Rename(s.pending(id), place)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(place); err == nil {
				return nil
			}
			return ErrNotFound
		}
	}
	return err
}

// Discard removes a sealed blob that is not needed after all.
func (s *Store) Discard(id ID) error {
	if !id.valid() {
		return nil
	}
	return ignoreMissing(os.Remove(s.pending(id)))
}

// Remove removes a blob for good. A blob that does not exist is no error.
// Readers that are open keep what they have.
func (s *Store) Remove(id ID) error {
	if !id.valid() {
		return nil
	}
	return errors.Join(ignoreMissing(os.Remove(s.path(id))), s.Discard(id))
}

func (s *Store) path(id ID) string {
	return filepath.Join(s.dir, string(id[:2]), string(id))
}

func (s *Store) pending(id ID) string {
	return filepath.Join(s.dir, pendingDir, string(id))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
