package storage

import (
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// listKind is what the elements of a list are.
type listKind uint8

const (
	intList listKind = iota + 1
	textList
	bytesList
	badList
)

// list is the argument of {in $N}.
type list struct {
	kind  listKind
	ints  []int64
	texts []string
	bytes [][]byte
	err   error
}

// List makes items the argument of the token {in $N}. Elements are integers,
// strings or byte strings, also of named types such as id.UserID. An empty
// list matches nothing; for "not in" write NOT (column {in $1}).
func List[T any](items []T) any {
	switch items := any(items).(type) {
	case []int64:
		return list{kind: intList, ints: items}
	case []string:
		return list{kind: textList, texts: items}
	case [][]byte:
		return list{kind: bytesList, bytes: items}
	}
	return reflectList(reflect.ValueOf(items))
}

// reflectList makes a list of elements whose type has a name.
func reflectList(v reflect.Value) list {
	elem := v.Type().Elem()
	switch {
	case elem.Kind() == reflect.String:
		l := list{kind: textList, texts: make([]string, v.Len())}
		for i := range l.texts {
			l.texts[i] = v.Index(i).String()
		}
		return l
	case elem.Kind() >= reflect.Int && elem.Kind() <= reflect.Int64:
		l := list{kind: intList, ints: make([]int64, v.Len())}
		for i := range l.ints {
			l.ints[i] = v.Index(i).Int()
		}
		return l
	case isBytes(elem):
		l := list{kind: bytesList, bytes: make([][]byte, v.Len())}
		for i := range l.bytes {
			l.bytes[i] = bytesOf(v.Index(i))
		}
		return l
	}
	return list{kind: badList, err: fmt.Errorf("storage: a list cannot hold %s", elem)}
}

// encode turns an argument into one of nil, int64, float64, string, []byte
// and list, the only types that reach an engine.
func encode(arg any) (any, error) {
	switch a := arg.(type) {
	case nil, int64, float64:
		return a, nil
	case []byte:
		if a == nil {
			return nil, nil
		}
		return a, nil
	case string:
		return a, checkText(a)
	case int:
		return int64(a), nil
	case bool:
		if a {
			return int64(1), nil
		}
		return int64(0), nil
	case list:
		return a, a.check()
	}
	return reflectEncode(reflect.ValueOf(arg))
}

// reflectEncode is encode for named types and pointers.
func reflectEncode(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return encode(v.Elem().Interface())
	case reflect.String:
		s := v.String()
		return s, checkText(s)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("storage: %d is more than a BIGINT holds", v.Uint())
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Bool:
		return encode(v.Bool())
	case reflect.Slice, reflect.Array:
		if !isBytes(v.Type()) {
			break
		}
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil, nil
		}
		return bytesOf(v), nil
	}
	return nil, fmt.Errorf("storage: an argument cannot be %s", v.Type())
}

// isBytes reports whether t is a slice or an array of bytes.
func isBytes(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
}

// bytesOf returns the bytes of v, which isBytes.
func bytesOf(v reflect.Value) []byte {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return v.Bytes()
	}
	b := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(b), v)
	return b
}

// checkText refuses what PostgreSQL cannot hold in TEXT, on both engines. It
// is an answer for people, because such text comes from a request.
func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return matrix.Errorf(matrix.InvalidParam, "text must be UTF-8 without NUL characters")
	}
	return nil
}

func (l list) check() error {
	if l.kind == badList {
		return l.err
	}
	for _, s := range l.texts {
		if err := checkText(s); err != nil {
			return err
		}
	}
	return nil
}

// json is the list as SQLite's json_each reads it, byte strings in hexadecimal.
func (l list) json() string {
	b := []byte{'['}
	comma := func(i int) {
		if i > 0 {
			b = append(b, ',')
		}
	}
	for i, n := range l.ints {
		comma(i)
		b = strconv.AppendInt(b, n, 10)
	}
	for i, s := range l.texts {
		comma(i)
		b = appendJSON(b, s)
	}
	for i, raw := range l.bytes {
		comma(i)
		b = append(b, '"')
		b = hex.AppendEncode(b, raw)
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

// appendJSON appends s, which is UTF-8, as a JSON string.
func appendJSON(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
