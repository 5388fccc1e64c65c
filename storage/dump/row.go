package dump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"plenum/storage"
)

// A row is its columns in the order of the table. Each is a byte 0 for NULL,
// or 1 and then the value: an integer as a varint, a float as its eight bytes,
// text and bytes as a length (uvarint) and themselves.

var errRow = errors.New("dump: this is not a row of its table")

// appendRow appends the encoding of r, which is a row of a table with columns.
func appendRow(dst []byte, columns []Column, r storage.Row) ([]byte, error) {
	for i, c := range columns {
		have := r.Kind(i)
		if have == storage.Null {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		switch want := storage.Kind(c.Kind); {
		case want == storage.Integer && have == storage.Integer:
			dst = binary.AppendVarint(dst, r.Int(i))
		case want == storage.Float && (have == storage.Float || have == storage.Integer):
			dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(r.Float(i)))
		case isString(want) && isString(have): // SQLite may hold either in a column
			dst = binary.AppendUvarint(dst, uint64(r.Size(i)))
			dst = r.Append(dst, i)
		default:
			return nil, fmt.Errorf("dump: column %s holds what is no %s", c.Name, kindNames[c.Kind])
		}
	}
	return dst, nil
}

func isString(k storage.Kind) bool { return k == storage.Text || k == storage.Bytes }

// CheckRow returns the length of the row that b begins with. Whatever it
// accepts can be stored by both engines.
func CheckRow(columns []Column, b []byte) (int, error) {
	_, n, err := decodeRow(columns, b, nil, false)
	return n, err
}

// Text returns the text in column i of a row, "" if it is NULL.
func Text(columns []Column, row []byte, i int) (string, error) {
	args, _, err := decodeRow(columns[:i+1], row, nil, true)
	if err != nil {
		return "", err
	}
	s, ok := args[i].(string)
	if !ok && args[i] != nil {
		return "", errRow
	}
	return s, nil
}

// decodeRow returns the length of the row that b begins with, and when fill is
// set also its values, appended to args. They may lie in b.
func decodeRow(columns []Column, b []byte, args []any, fill bool) ([]any, int, error) {
	rest := b
	for _, c := range columns {
		if len(rest) == 0 || rest[0] > 1 {
			return nil, 0, errRow
		}
		present := rest[0] == 1
		rest = rest[1:]
		var arg any
		n := 0
		if present {
			arg, n = decodeValue(storage.Kind(c.Kind), rest, fill)
			if n <= 0 {
				return nil, 0, errRow
			}
			rest = rest[n:]
		}
		if fill {
			args = append(args, arg)
		}
	}
	return args, len(b) - len(rest), nil
}

// decodeValue returns the value that b begins with, if fill is set, and its
// length, 0 if there is none.
func decodeValue(k storage.Kind, b []byte, fill bool) (any, int) {
	switch k {
	case storage.Integer:
		v, n := binary.Varint(b)
		if !fill {
			return nil, n
		}
		return v, n
	case storage.Float:
		if len(b) < 8 {
			return nil, 0
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), 8
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, 0
	}
	end := n + int(size)
	v := b[n:end:end]
	if k == storage.Bytes {
		return v, end
	}
	if !fill {
		return nil, textLength(v, end)
	}
	s := string(v)
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return nil, 0
	}
	return s, end
}

// textLength is end if v is text.
func textLength(v []byte, end int) int {
	if !utf8.Valid(v) {
		return 0
	}
	for _, c := range v {
		if c == 0 {
			return 0
		}
	}
	return end
}
