package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// The types of PostgreSQL that the schema and the functions in queries use,
// by their numbers in pg_type. Whatever else comes up travels as text.
const (
	pgBool    = 16
	pgBytea   = 17
	pgName    = 19
	pgInt8    = 20
	pgInt2    = 21
	pgInt4    = 23
	pgText    = 25
	pgFloat4  = 700
	pgFloat8  = 701
	pgUnknown = 705
	pgChar    = 1042
	pgVarchar = 1043
	pgNumeric = 1700

	pgByteaArray   = 1001
	pgInt2Array    = 1005
	pgInt4Array    = 1007
	pgTextArray    = 1009
	pgVarcharArray = 1015
	pgInt8Array    = 1016
)

// The two formats of a value on the wire.
const (
	asText   int16 = 0
	asBinary int16 = 1
)

// pgFormat returns the format in which columns of type oid are asked for.
func pgFormat(oid uint32) int16 {
	switch oid {
	case pgBool, pgBytea, pgInt8, pgInt2, pgInt4, pgFloat4, pgFloat8:
		return asBinary
	}
	return asText
}

// pgParams are the arguments of one statement on the wire.
type pgParams struct {
	formats []int16
	values  [][]byte
	buf     []byte // holds values that had to be written
}

func (p *pgParams) reset() {
	if p.buf == nil {
		p.buf = make([]byte, 0, 256) // a value of it is never nil, which is NULL, even if it is empty
	}
	p.formats, p.values, p.buf = p.formats[:0], p.values[:0], p.buf[:0]
}

// encode writes args as the types that PostgreSQL has worked out for the
// parameters of st. What only one of the engines would take is refused.
func (p *pgParams) encode(st *pgStmt, args []any) error {
	p.reset()
	for i, a := range args {
		v, err := encode(a)
		if err == nil {
			err = p.add(st.params[i], v)
		}
		if err != nil {
			return fmt.Errorf("%w $%d: %w", errArgument, i+1, err)
		}
	}
	return nil
}

// add appends one argument, which is of a type that the function encode returns.
func (p *pgParams) add(oid uint32, v any) error {
	start, format := len(p.buf), asBinary
	switch v := v.(type) {
	case nil:
		p.formats, p.values = append(p.formats, asText), append(p.values, nil)
		return nil
	case int64:
		if oid == pgNumeric {
			p.buf, format = strconv.AppendInt(p.buf, v, 10), asText
			break
		}
		var ok bool
		if p.buf, ok = appendInt(p.buf, oid, v); !ok {
			return fmt.Errorf("storage: integer %d does not fit a parameter of type %s", v, pgTypeName(oid))
		}
	case float64:
		switch oid {
		case pgFloat8:
			p.buf = binary.BigEndian.AppendUint64(p.buf, math.Float64bits(v))
		case pgFloat4:
			p.buf = binary.BigEndian.AppendUint32(p.buf, math.Float32bits(float32(v)))
		case pgNumeric:
			p.buf, format = strconv.AppendFloat(p.buf, v, 'g', -1, 64), asText
		default:
			return fmt.Errorf("storage: a float does not fit a parameter of type %s", pgTypeName(oid))
		}
	case string:
		switch oid {
		case pgText, pgVarchar, pgChar, pgName, pgUnknown:
			p.buf, format = append(p.buf, v...), asText
		default:
			return fmt.Errorf("storage: a string does not fit a parameter of type %s", pgTypeName(oid))
		}
	case []byte:
		if oid != pgBytea {
			return fmt.Errorf("storage: bytes do not fit a parameter of type %s", pgTypeName(oid))
		}
		p.formats, p.values = append(p.formats, asBinary), append(p.values, v)
		return nil
	case list:
		var ok bool
		if p.buf, ok = appendList(p.buf, oid, v); !ok {
			return fmt.Errorf("storage: the list does not fit a parameter of type %s", pgTypeName(oid))
		}
	}
	p.formats, p.values = append(p.formats, format), append(p.values, p.buf[start:len(p.buf):len(p.buf)])
	return nil
}

// appendInt appends n as type oid, or reports that it does not fit.
func appendInt(buf []byte, oid uint32, n int64) ([]byte, bool) {
	switch oid {
	case pgInt8:
		return binary.BigEndian.AppendUint64(buf, uint64(n)), true
	case pgInt4:
		return binary.BigEndian.AppendUint32(buf, uint32(n)), n == int64(int32(n))
	case pgInt2:
		return binary.BigEndian.AppendUint16(buf, uint16(n)), n == int64(int16(n))
	case pgFloat8:
		return binary.BigEndian.AppendUint64(buf, math.Float64bits(float64(n))), true
	case pgBool:
		if n != 0 {
			return append(buf, 1), true
		}
		return append(buf, 0), true
	}
	return buf, false
}

// appendList appends l as an array of type oid, or reports that it is none.
func appendList(buf []byte, oid uint32, l list) ([]byte, bool) {
	kind, elem := pgElement(oid)
	if kind != l.kind {
		return buf, false
	}
	header := len(buf)
	buf = append(buf, make([]byte, 20)...)
	n, size := 0, 0
	for _, i := range l.ints {
		at := len(buf)
		var ok bool
		if buf, ok = appendInt(append(buf, 0, 0, 0, 0), elem, i); !ok {
			buf = buf[:at] // no column of this type can hold it
			continue
		}
		binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
		n++
	}
	for _, s := range l.texts {
		buf = append(binary.BigEndian.AppendUint32(buf, uint32(len(s))), s...)
		size += len(s)
		n++
	}
	for _, b := range l.bytes {
		buf = append(binary.BigEndian.AppendUint32(buf, uint32(len(b))), b...)
		size += len(b)
		n++
	}
	at := buf[header:]
	binary.BigEndian.PutUint32(at, 1) // dimensions
	binary.BigEndian.PutUint32(at[8:], elem)
	binary.BigEndian.PutUint32(at[12:], uint32(n))
	binary.BigEndian.PutUint32(at[16:], 1) // lower bound
	return buf, size <= math.MaxInt32
}

// pgElement returns what lists and what elements an array of type oid holds.
func pgElement(oid uint32) (listKind, uint32) {
	switch oid {
	case pgInt8Array:
		return intList, pgInt8
	case pgInt4Array:
		return intList, pgInt4
	case pgInt2Array:
		return intList, pgInt2
	case pgTextArray:
		return textList, pgText
	case pgVarcharArray:
		return textList, pgVarchar
	case pgByteaArray:
		return bytesList, pgBytea
	}
	return 0, 0
}

// pgValue reads one column of a row. raw is the connection's, until its next message.
func pgValue(oid uint32, raw []byte) value {
	if raw == nil {
		return value{}
	}
	switch oid {
	case pgInt8:
		return value{kind: integer, int: int64(binary.BigEndian.Uint64(raw))}
	case pgInt4:
		return value{kind: integer, int: int64(int32(binary.BigEndian.Uint32(raw)))}
	case pgInt2:
		return value{kind: integer, int: int64(int16(binary.BigEndian.Uint16(raw)))}
	case pgBool:
		return value{kind: integer, int: int64(raw[0])}
	case pgFloat8:
		return value{kind: float, float: math.Float64frombits(binary.BigEndian.Uint64(raw))}
	case pgFloat4:
		return value{kind: float, float: float64(math.Float32frombits(binary.BigEndian.Uint32(raw)))}
	case pgBytea:
		return value{kind: blob, borrowed: true, raw: raw}
	case pgNumeric: // such as the sum of a BIGINT
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return value{kind: integer, int: n}
		}
		if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
			return value{kind: float, float: f}
		}
	}
	return value{kind: text, borrowed: true, raw: raw}
}

// pgTypeName is for people.
func pgTypeName(oid uint32) string {
	names := map[uint32]string{
		pgBool: "BOOLEAN", pgBytea: "BYTEA", pgInt8: "BIGINT", pgInt2: "SMALLINT", pgInt4: "INTEGER", pgText: "TEXT",
		pgFloat8: "DOUBLE PRECISION", pgNumeric: "NUMERIC", pgInt8Array: "BIGINT[]", pgInt4Array: "INTEGER[]",
		pgInt2Array: "SMALLINT[]", pgTextArray: "TEXT[]", pgByteaArray: "BYTEA[]",
	}
	if name, ok := names[oid]; ok {
		return name
	}
	return "number " + strconv.Itoa(int(oid))
}
