package dump

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Digest says what rows a table has, whatever their order: it adds up hashes
// of the rows. The zero Digest is that of an empty table.
type Digest struct {
	Rows int64
	sum  [2]uint64
}

// Add counts an encoded row.
func (d *Digest) Add(row []byte) {
	h := sha256.Sum256(row)
	d.Rows++
	d.sum[0] += binary.BigEndian.Uint64(h[:])
	d.sum[1] += binary.BigEndian.Uint64(h[8:])
}

// MarshalText writes the number of rows and the sum.
func (d Digest) MarshalText() ([]byte, error) {
	var sum [16]byte
	binary.BigEndian.PutUint64(sum[:], d.sum[0])
	binary.BigEndian.PutUint64(sum[8:], d.sum[1])
	return fmt.Appendf(nil, "%d %x", d.Rows, sum), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	var sum string
	if _, err := fmt.Sscanf(string(text), "%d %s", &d.Rows, &sum); err != nil {
		return fmt.Errorf("dump: digest %q: %w", text, err)
	}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != 16 || d.Rows < 0 {
		return fmt.Errorf("dump: digest %q", text)
	}
	d.sum = [2]uint64{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])}
	return nil
}
