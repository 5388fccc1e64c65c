package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"filippo.io/age"

	"plenum/storage/blob"
	"plenum/storage/dump"
)

var (
	// ErrRefused is returned for what is not a whole backup: cut off, altered,
	// or something else.
	ErrRefused = errors.New("the backup is refused")
	// ErrIdentity is returned for a backup that was made for others.
	ErrIdentity = errors.New("none of the identities fits this backup: it was encrypted to another public key")
)

// visitor is told what is in a backup, in its order. Nothing that it is told
// is certain before the end.
type visitor interface {
	header(h Header) error
	file(name string, content []byte) error
	rows(table int, rows []byte) error
	blob(id blob.ID, size int64) error // begins
	data(part []byte) error            // of the blob
	blobEnd(whole bool) error
}

// walk reads a backup to its end, checks everything that can be checked, and
// tells v. It also returns how the backup ends. Errors are ErrRefused,
// ErrIdentity, those of v, and faults of r.
func walk(r io.Reader, identities []age.Identity, v visitor) (Summary, trailer, error) {
	src := &source{r: r}
	w := &walker{v: v}
	err := w.walk(src, identities)
	var none *age.NoIdentityMatchError
	switch {
	case err == nil:
		return newSummary(w.head, w.end, w.frames.size), w.end, nil
	case src.err != nil:
		err = src.err
	case errors.As(err, &none):
		err = ErrIdentity
	case w.theirs == nil:
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return Summary{}, trailer{}, err
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

// inContext returns r until ctx ends.
func inContext(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// walker is how far walk is.
type walker struct {
	v      visitor
	theirs error // of the visitor
	frames *frameReader
	unpack unpacker

	head  Header
	files map[string]bool
	table int // the last one that rows came for
	have  trailer
	end   trailer

	column       blobColumn
	named, found hash.Hash // of the names of blobs: in the rows, and as they came
	open         bool      // a blob has begun
	size, left   int64     // of it
}

// tell notes an error of the visitor.
func (w *walker) tell(err error) error {
	if err != nil {
		w.theirs = err
	}
	return err
}

func (w *walker) walk(r io.Reader, identities []age.Identity) error {
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		return err
	}
	return w.read(plain)
}

// read reads what is inside of the encryption.
func (w *walker) read(plain io.Reader) (err error) {
	if w.frames, err = newFrameReader(plain); err != nil {
		return err
	}
	if err := w.frames.next(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	for {
		if err := w.frames.next(); err != nil {
			return err
		}
		if w.frames.kind == frameEnd {
			break
		}
		if err := w.step(w.frames.content); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	return w.frames.end()
}

// begin reads the header.
func (w *walker) begin() error {
	if w.frames.kind != frameHeader {
		return fmt.Errorf("%w: it begins with a frame %q", errBroken, w.frames.kind)
	}
	if err := json.Unmarshal(w.frames.content, &w.head); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	var err error
	if w.column, err = findBlobColumn(w.head.Schema); err != nil {
		return err
	}
	w.files = map[string]bool{}
	w.have.Tables = make([]dump.Digest, len(w.head.Schema.Tables))
	w.named, w.found = sha256.New(), sha256.New()
	return w.tell(w.v.header(w.head))
}

// step reads a frame between the first and the last.
func (w *walker) step(content []byte) error {
	if w.open != (w.frames.kind == frameData || w.frames.kind == frameUnread) {
		return fmt.Errorf("%w: a frame %q in the wrong place", errBroken, w.frames.kind)
	}
	switch w.frames.kind {
	case frameFile:
		return w.file(content)
	case frameRows:
		return w.rows(content)
	case frameBlob:
		return w.blob(content)
	case frameData:
		return w.data(content)
	case frameUnread:
		w.have.Media.Lost++
		w.open = false
		return w.tell(w.v.blobEnd(false))
	case frameGone:
		return w.gone(content)
	}
	return fmt.Errorf("%w: it has a frame %q", errBroken, w.frames.kind)
}

func (w *walker) file(content []byte) error {
	size, n := binary.Uvarint(content)
	if n <= 0 || size > uint64(len(content)-n) || len(content) > maxFile+100 {
		return fmt.Errorf("%w: a file without a name", errBroken)
	}
	end := n + int(size)
	name := string(content[n:end])
	if w.files[name] || len(w.files) == maxFiles {
		return fmt.Errorf("%w: too many files", errBroken)
	}
	w.files[name] = true
	return w.tell(w.v.file(name, content[end:]))
}

// rows reads rows of a table, which come table by table.
func (w *walker) rows(content []byte) error {
	n, rows, err := w.unpack.unpack(content)
	if err != nil {
		return err
	}
	if n >= uint64(len(w.have.Tables)) || int(n) < w.table {
		return fmt.Errorf("%w: rows of a table in the wrong place", errBroken)
	}
	w.table = int(n)
	columns := w.head.Schema.Tables[w.table].Columns
	for rest := rows; len(rest) > 0; {
		n, err := dump.CheckRow(columns, rest)
		if err == nil && n == 0 {
			err = errBroken // of a table without columns
		}
		if err != nil {
			return err
		}
		w.have.Tables[w.table].Add(rest[:n])
		id, ok, err := w.column.of(w.table, rest[:n])
		if err != nil {
			return err
		}
		if ok {
			w.named.Write([]byte(id + "\n"))
		}
		rest = rest[n:]
	}
	return w.tell(w.v.rows(w.table, rows))
}

// came notes that a blob came, or that it is said to be gone.
func (w *walker) came(name []byte) (blob.ID, error) {
	w.table = len(w.have.Tables) // there are no rows any more
	id := blob.ID(name)
	if !id.Valid() {
		return "", fmt.Errorf("%w: a blob without a name", errBroken)
	}
	w.found.Write([]byte(id + "\n"))
	return id, nil
}

func (w *walker) blob(content []byte) error {
	size, n := binary.Uvarint(content)
	if n <= 0 || size > 1<<62 {
		return fmt.Errorf("%w: a blob without a size", errBroken)
	}
	id, err := w.came(content[n:])
	if err != nil {
		return err
	}
	w.size, w.left, w.open = int64(size), int64(size), true
	if err := w.tell(w.v.blob(id, w.size)); err != nil {
		return err
	}
	return w.whole()
}

func (w *walker) data(part []byte) error {
	w.left -= int64(len(part))
	if w.left < 0 || len(part) == 0 {
		return fmt.Errorf("%w: a blob of another size than it says", errBroken)
	}
	if err := w.tell(w.v.data(part)); err != nil {
		return err
	}
	return w.whole()
}

// whole ends a blob of which nothing is left to come.
func (w *walker) whole() error {
	if w.left > 0 {
		return nil
	}
	w.open = false
	w.have.Media.Blobs++
	w.have.Media.Bytes += w.size
	return w.tell(w.v.blobEnd(true))
}

func (w *walker) gone(content []byte) error {
	if len(content) == 0 {
		return fmt.Errorf("%w: a blob without a name", errBroken)
	}
	_, err := w.came(content[1:])
	switch content[0] {
	case goneDeleted:
		w.have.Media.Deleted++
	case goneLost:
		w.have.Media.Lost++
	default:
		return fmt.Errorf("%w: a blob is gone for no reason", errBroken)
	}
	return err
}

// finish compares what came with what the last frame says.
func (w *walker) finish() error {
	if err := json.Unmarshal(w.frames.content, &w.end); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	w.have.SHA256 = hex.EncodeToString(w.frames.hash.Sum(nil))
	switch {
	case w.open:
		return fmt.Errorf("%w: a blob is cut off", errBroken)
	case w.end.SHA256 != w.have.SHA256:
		return fmt.Errorf("%w: its hash is wrong", errBroken)
	case w.end.Media != w.have.Media || !slices.Equal(w.end.Tables, w.have.Tables):
		return fmt.Errorf("%w: it does not hold what it says", errBroken)
	case !bytes.Equal(w.named.Sum(nil), w.found.Sum(nil)):
		return fmt.Errorf("%w: files and rows do not fit together", errBroken)
	case !w.files[formSigningKey] || !w.files[formMediaKey]:
		return fmt.Errorf("%w: a key is missing", errBroken)
	}
	return nil
}
