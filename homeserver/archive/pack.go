package archive

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// packer collects rows of a table and writes them as compressed frames: what
// is encrypted cannot be made smaller afterwards.
type packer struct {
	frames *frameWriter
	flate  *flate.Writer
	table  int
	rows   []byte
	packed bytes.Buffer
	head   []byte // scratch
}

func newPacker(frames *frameWriter) *packer {
	z, _ := flate.NewWriter(nil, flate.BestSpeed) // no error: the level is one of its own
	return &packer{frames: frames, flate: z}
}

// add takes a row of a table.
func (p *packer) add(table int, row []byte) error {
	if table != p.table || len(p.rows)+len(row) > batchSize {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.table, p.rows = table, append(p.rows, row...)
	return nil
}

// flush writes what was collected.
func (p *packer) flush() error {
	if len(p.rows) == 0 {
		return nil
	}
	p.packed.Reset()
	p.flate.Reset(&p.packed)
	if _, err := p.flate.Write(p.rows); err != nil {
		return err
	}
	if err := p.flate.Close(); err != nil {
		return err
	}
	p.head = binary.AppendUvarint(p.head[:0], uint64(p.table))
	p.head = binary.AppendUvarint(p.head, uint64(len(p.rows)))
	p.rows = p.rows[:0]
	return p.frames.frame(frameRows, p.head, p.packed.Bytes())
}

// unpacker reads what packer writes.
type unpacker struct {
	packed bytes.Reader
	flate  io.ReadCloser
	rows   []byte
}

// unpack returns the table and the rows of a frame. They are good until the
// next call.
func (u *unpacker) unpack(content []byte) (table uint64, rows []byte, err error) {
	table, n := binary.Uvarint(content)
	if n <= 0 {
		return 0, nil, fmt.Errorf("%w: rows of no table", errBroken)
	}
	size, m := binary.Uvarint(content[n:])
	if m <= 0 || size == 0 || size > maxFrame {
		return 0, nil, fmt.Errorf("%w: rows of no size", errBroken)
	}
	u.packed.Reset(content[n+m:])
	if u.flate == nil {
		u.flate = flate.NewReader(&u.packed)
	} else if err := u.flate.(flate.Resetter).Reset(&u.packed, nil); err != nil {
		return 0, nil, err
	}
	if u.rows, err = readSome(u.flate, u.rows[:0], int(size)); err != nil {
		return 0, nil, err
	}
	if n, err := u.flate.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return 0, nil, fmt.Errorf("%w: more rows than it says", errBroken)
	}
	return table, u.rows, nil
}
