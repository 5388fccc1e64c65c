package blob

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// Writer takes the content of one blob. Call Seal to keep it or Discard to
// drop it; Discard after Seal does nothing, so it can be deferred.
type Writer struct {
	store  *Store
	file   *os.File // nil after Seal and Discard
	cipher io.WriteCloser
	hash   hash.Hash
	size   int64
	closed bool
}

// Create starts a blob. Nothing but ciphertext ever reaches the disk.
func (s *Store) Create() (*Writer, error) {
	file, err := os.CreateTemp(filepath.Join(s.dir, pendingDir), "*"+partSuffix)
	if err != nil {
		return nil, fmt.Errorf("create blob: %w", err)
	}
	cipher, err := age.Encrypt(file, s.key.recipient)
	if err != nil {
		_ = file.Close()
		_ = os.Remove(file.Name())
		return nil, fmt.Errorf("create blob: %w", err)
	}
	return &Writer{store: s, file: file, cipher: cipher, hash: hmac.New(sha256.New, s.key.name)}, nil
}

// Write appends to the content.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.cipher.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// Size returns how many bytes were written.
func (w *Writer) Size() int64 { return w.size }

// Reader ends the content and returns it for reading back before it is
// sealed. The caller closes the reader.
func (w *Writer) Reader() (*Reader, error) {
	if err := w.close(); err != nil {
		return nil, err
	}
	return w.store.open(w.file.Name())
}

// Seal ends the content, makes it durable and names it. The blob can be opened
// from then on, but is pending until Store.Place.
func (w *Writer) Seal() (ID, error) {
	if w.file == nil {
		return "", errors.New("seal blob: discarded before")
	}
	defer w.Discard()
	if err := w.close(); err != nil {
		return "", fmt.Errorf("seal blob: %w", err)
	}
	if err := w.file.Sync(); err != nil {
		return "", fmt.Errorf("seal blob: %w", err)
	}
	var tail [8]byte
	rand.Read(tail[:])
	id := ID(hex.EncodeToString(w.hash.Sum(nil)) + "." + hex.EncodeToString(tail[:]))
	if err := os.Rename(w.file.Name(), w.store.pending(id)); err != nil {
		return "", fmt.Errorf("seal blob: %w", err)
	}
	if err := syncDir(filepath.Join(w.store.dir, pendingDir)); err != nil {
		return "", fmt.Errorf("seal blob: %w", errors.Join(err, w.store.Discard(id)))
	}
	return id, nil
}

// Discard drops what was written, unless it was sealed.
func (w *Writer) Discard() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	_ = os.Remove(w.file.Name()) // gone after Seal; what stays is removed by the next Open
	w.file = nil
}

// close ends the ciphertext.
func (w *Writer) close() error {
	if w.closed {
		return nil
	}
	if err := w.cipher.Close(); err != nil {
		return err
	}
	w.closed = true
	return nil
}
