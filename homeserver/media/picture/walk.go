package picture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxPieces bounds what Scan remembers of a file that is made to alternate
// between what is kept and what is dropped.
const maxPieces = 1 << 16

// walk reads a container front to back and notes what to keep of it.
type walk struct {
	r    *bufio.Reader
	at   int64 // position of the next byte
	kept []piece
	info Info
}

// broken makes an error for people that wraps ErrBroken.
func (w *walk) broken(what string) error {
	return fmt.Errorf("%w: %s: %s near byte %d", ErrBroken, w.info.Format, what, w.at)
}

// read returns the next n bytes; n is at most 64 KiB. They are the caller's.
func (w *walk) read(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(w.r, b)
	w.at += int64(got)
	return b, w.ended(err)
}

// skip passes over n bytes.
func (w *walk) skip(n int64) error {
	for n > 0 {
		done, err := w.r.Discard(int(min(n, 1<<30)))
		w.at += int64(done)
		n -= int64(done)
		if err != nil {
			return w.ended(err)
		}
	}
	return nil
}

// ended turns the end of the file into ErrBroken; other errors are the reader's.
func (w *walk) ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return w.broken("the file ends too early")
	}
	return err
}

// atEnd reports whether nothing is left.
func (w *walk) atEnd() (bool, error) {
	_, err := w.r.Peek(1)
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// keep notes that the bytes from a position up to the next one stay.
func (w *walk) keep(from int64) error {
	if last := len(w.kept) - 1; last >= 0 && w.kept[last].new == nil && w.kept[last].off+w.kept[last].len == from {
		w.kept[last].len += w.at - from
		return nil
	}
	return w.add(piece{off: from, len: w.at - from})
}

// insert notes new bytes, in the place of some that are dropped.
func (w *walk) insert(b []byte) error {
	w.info.Dirty = true
	return w.add(piece{new: b})
}

func (w *walk) add(p piece) error {
	if len(w.kept) == maxPieces {
		return w.broken("too many parts")
	}
	w.kept = append(w.kept, p)
	return nil
}

// drop notes that something is left out.
func (w *walk) drop() { w.info.Dirty = true }

// dropRest leaves out whatever follows the end of the image: phones append
// videos, previews and logs there.
func (w *walk) dropRest() error {
	end, err := w.atEnd()
	if err != nil {
		return err
	}
	if !end {
		w.drop()
	}
	return nil
}
