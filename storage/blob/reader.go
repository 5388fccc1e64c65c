package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"
)

// readBuffer is how much is decrypted at once: two chunks of the age format,
// whose reader allocates one chunk per call whatever is asked of it.
const readBuffer = 2 * 64 << 10

// Reader reads a blob from any position. It is for one goroutine.
type Reader struct {
	store  *Store
	file   *os.File
	plain  io.ReaderAt
	size   int64
	pos    int64
	buffer *[readBuffer]byte
	start  int64 // content position of buffer[0]
	filled int
}

// Open opens a blob, sealed or placed. The end of the content is
// authenticated here, every other part when it is read. The error is
// ErrNotFound when there is no such blob. The caller closes the reader.
func (s *Store) Open(id ID) (*Reader, error) {
	if !id.valid() {
		return nil, ErrNotFound
	}
	// A blob moves once, from pending to its place: look there again.
	for _, path := range []string{s.path(id), s.pending(id), s.path(id)} {
		r, err := s.open(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	return nil, ErrNotFound
}

func (s *Store) open(path string) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	plain, size, err := age.DecryptReaderAt(file, info.Size(), s.key.identities...)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("decrypt blob: %w", err)
	}
	return &Reader{store: s, file: file, plain: plain, size: size}, nil
}

// Size returns the length of the content in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read reads on from the current position.
func (r *Reader) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.pos < r.start || r.pos >= r.start+int64(r.filled) {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buffer[r.pos-r.start:r.filled])
	r.pos += int64(n)
	return n, nil
}

// fill decrypts the part around the position, aligned to whole chunks.
func (r *Reader) fill() error {
	if r.file == nil {
		return fs.ErrClosed
	}
	if r.buffer == nil {
		r.buffer = r.store.buffers.Get().(*[readBuffer]byte)
	}
	r.start, r.filled = r.pos-r.pos%(readBuffer/2), 0
	n, err := r.plain.ReadAt(r.buffer[:min(readBuffer, r.size-r.start)], r.start)
	if err != nil && !(errors.Is(err, io.EOF) && r.start+int64(n) == r.size) {
		return fmt.Errorf("read blob: %w", err)
	}
	r.filled = n
	return nil
}

// Seek moves the position; see io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, errors.New("seek blob: invalid whence")
	}
	if offset < 0 {
		return 0, errors.New("seek blob: negative position")
	}
	r.pos = offset
	return offset, nil
}

// Close releases the reader. Closing twice is no error.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	if r.buffer != nil {
		clear(r.buffer[:]) // no plain text waits in the pool
		r.store.buffers.Put(r.buffer)
		r.buffer, r.filled = nil, 0
	}
	err := r.file.Close()
	r.file = nil
	return err
}
