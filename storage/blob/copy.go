package blob

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// A backup carries blobs as they are on the disk, and the key file with them.

// Valid reports whether id has the form of a name. Only such a name is safe in
// a path.
func (id ID) Valid() bool { return id.valid() }

// OpenEncrypted opens the file of a blob, sealed or placed, and returns its
// size. The error is ErrNotFound when there is no such blob. The caller closes
// the file; removing the blob does not hurt it.
func (s *Store) OpenEncrypted(id ID) (*os.File, int64, error) {
	if !id.valid() {
		return nil, 0, ErrNotFound
	}
	for _, path := range []string{s.path(id), s.pending(id), s.path(id)} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, 0, err
		}
		return f, info.Size(), nil
	}
	return nil, 0, ErrNotFound
}

// Importer fills the folder of a Store that is not open with encrypted blobs.
type Importer struct {
	dir     string
	touched map[string]bool // folders whose names are not durable yet
}

// NewImporter makes the folder dir if needed.
func NewImporter(dir string) (*Importer, error) {
	if err := os.MkdirAll(filepath.Join(dir, pendingDir), 0o700); err != nil {
		return nil, fmt.Errorf("make media folder: %w", err)
	}
	return &Importer{dir: dir, touched: map[string]bool{dir: true}}, nil
}

// Create starts the file of a blob. It is there after Keep only.
func (im *Importer) Create(id ID) (*Import, error) {
	if !id.valid() {
		return nil, fmt.Errorf("import blob: %q is no name of one", id)
	}
	file, err := os.CreateTemp(filepath.Join(im.dir, pendingDir), "*"+partSuffix)
	if err != nil {
		return nil, fmt.Errorf("import blob: %w", err)
	}
	return &Import{importer: im, id: id, file: file}, nil
}

// Close makes all blobs durable that were kept.
func (im *Importer) Close() error {
	var errs []error
	for dir := range im.touched {
		errs = append(errs, syncDir(dir))
	}
	return errors.Join(errs...)
}

// Import is the file of one blob while it is written.
type Import struct {
	importer *Importer
	id       ID
	file     *os.File // nil after Keep and Discard
}

// Write appends to the file.
func (w *Import) Write(p []byte) (int, error) { return w.file.Write(p) }

// Keep puts the file in its place.
func (w *Import) Keep() error {
	defer w.Discard()
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("import blob: %w", err)
	}
	dir := filepath.Join(w.importer.dir, string(w.id[:2]))
	if !w.importer.touched[dir] {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("import blob: %w", err)
		}
		w.importer.touched[dir] = true
	}
	if err := os.Rename(w.file.Name(), filepath.Join(dir, string(w.id))); err != nil {
		return fmt.Errorf("import blob: %w", err)
	}
	return nil
}

// Discard drops the file unless it was kept.
func (w *Import) Discard() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	_ = os.Remove(w.file.Name()) // gone after Keep
	w.file = nil
}

// ErrDamaged is returned for an encrypted blob that cannot be read, or has
// another content than its name says.
var ErrDamaged = errors.New("the blob is damaged")

// Key is the content of a key file.
type Key struct{ keys []*key }

// ParseKey reads the content of a key file.
func ParseKey(text []byte) (*Key, error) {
	identities, err := parseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	k := &Key{}
	for i := range identities { // a blob is named by the key that was the first in its time
		one, err := newKey(identities, i)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, one)
	}
	return k, nil
}

// Check reads the encrypted blob id from r to its end. The error is ErrDamaged
// if it is not whole, or that of r.
func (k *Key) Check(id ID, r io.Reader) error {
	source := &source{r: r}
	err := k.check(id, source)
	switch {
	case source.err != nil:
		return source.err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// check decrypts r and compares the hash of its content with id.
func (k *Key) check(id ID, r io.Reader) error {
	plain, err := age.Decrypt(r, k.keys[0].identities...)
	if err != nil {
		return err
	}
	hashes := make([]hash.Hash, len(k.keys))
	writers := make([]io.Writer, len(k.keys))
	for i, key := range k.keys {
		hashes[i] = hmac.New(sha256.New, key.name)
		writers[i] = hashes[i]
	}
	if _, err := io.Copy(io.MultiWriter(writers...), plain); err != nil {
		return err
	}
	for _, h := range hashes {
		if hex.EncodeToString(h.Sum(nil)) == id.Hash() {
			return nil
		}
	}
	return errors.New("it has another content")
}

// source tells faults of the reader from those of what it reads.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
