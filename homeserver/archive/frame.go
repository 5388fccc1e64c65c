package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// magic begins every backup, inside of the encryption.
const magic = "plenum backup 1\n"

// maxFrame bounds what a reader keeps in memory. The largest frame that a
// writer makes is one row of a table.
const maxFrame = 64 << 20

// frameWriter writes frames.
type frameWriter struct {
	w    io.Writer
	hash hash.Hash // of everything written
	size int64
	head []byte // scratch
}

func newFrameWriter(w io.Writer) (*frameWriter, error) {
	f := &frameWriter{w: w, hash: sha256.New()}
	return f, f.write([]byte(magic))
}

func (f *frameWriter) write(p []byte) error {
	f.hash.Write(p)
	f.size += int64(len(p))
	_, err := f.w.Write(p)
	return err
}

// frame writes a frame whose content is in parts.
func (f *frameWriter) frame(kind byte, parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if size > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too large for a backup", size)
	}
	f.head = binary.AppendUvarint(append(f.head[:0], kind), uint64(size))
	if err := f.write(f.head); err != nil {
		return err
	}
	for _, p := range parts {
		if err := f.write(p); err != nil {
			return err
		}
	}
	return nil
}

// frameReader reads frames. Its errors are errBroken, or faults of the source.
type frameReader struct {
	r    *bufio.Reader
	hash hash.Hash // of everything before the current frame
	size int64

	kind    byte
	content []byte // of the current frame, until the next
	raw     []byte // its head
}

// errBroken is what a backup is refused with that is not whole, or not one.
var errBroken = errors.New("it is not a whole backup")

func newFrameReader(r io.Reader) (*frameReader, error) {
	f := &frameReader{r: bufio.NewReaderSize(r, 64<<10), hash: sha256.New()}
	f.raw = make([]byte, len(magic))
	if _, err := io.ReadFull(f.r, f.raw); err != nil {
		return nil, cutOff(err)
	}
	if string(f.raw) != magic {
		return nil, fmt.Errorf("%w: it begins with %q", errBroken, f.raw)
	}
	return f, nil
}

// next reads the next frame.
func (f *frameReader) next() (err error) {
	f.hash.Write(f.raw)
	f.hash.Write(f.content)
	f.size += int64(len(f.raw) + len(f.content))
	f.content = f.content[:0]
	if f.kind, err = f.r.ReadByte(); err != nil {
		return cutOff(err)
	}
	size, err := binary.ReadUvarint(f.r)
	if err != nil {
		return cutOff(err)
	}
	if size > maxFrame {
		return fmt.Errorf("%w: there is a frame of %d bytes", errBroken, size)
	}
	f.raw = binary.AppendUvarint(append(f.raw[:0], f.kind), size)
	f.content, err = readSome(f.r, f.content, int(size))
	return err
}

// readSome appends n bytes of r to dst. It does not believe n before the bytes
// have come.
func readSome(r io.Reader, dst []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for n > 0 {
		at, part := len(dst), min(n, step)
		dst = append(dst, make([]byte, part)...)
		if _, err := io.ReadFull(r, dst[at:]); err != nil {
			return dst[:at], cutOff(err)
		}
		n -= part
	}
	return dst, nil
}

// end makes sure that nothing follows.
func (f *frameReader) end() error {
	_, err := f.r.ReadByte()
	if err == io.EOF {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%w: something follows its end", errBroken)
	}
	return err
}

// cutOff is err, or errBroken if err says that there is no more.
func cutOff(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut off", errBroken)
	}
	return err
}
