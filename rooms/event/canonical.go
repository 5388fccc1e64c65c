package event

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// maxDepth bounds the nesting of foreign JSON.
const maxDepth = 200

var (
	errNotJSON   = errors.New("not valid JSON")
	errNumber    = errors.New("numbers must be integers between -(2^53-1) and 2^53-1")
	errDuplicate = errors.New("a key appears twice in one object")
	errText      = errors.New("text is not valid UTF-8")
	errDeep      = errors.New("nested too deeply")
)

// AppendCanonical appends the canonical form of raw to dst. In strict mode
// (room version 6 and later) numbers have to be integers in the safe range;
// otherwise other numbers stay as they are written.
//
// Spec: appendices#canonical-json
func AppendCanonical(dst, raw []byte, strict bool) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, errText
	}
	if !gjson.ValidBytes(raw) {
		return nil, errNotJSON
	}
	return appendValue(dst, gjson.ParseBytes(raw), strict, 0)
}

func appendValue(dst []byte, v gjson.Result, strict bool, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	switch {
	case v.IsObject():
		return appendObject(dst, v, strict, depth)
	case v.IsArray():
		dst = append(dst, '[')
		n, err := 0, error(nil)
		v.ForEach(func(_, item gjson.Result) bool {
			if n > 0 {
				dst = append(dst, ',')
			}
			n++
			dst, err = appendValue(dst, item, strict, depth+1)
			return err == nil
		})
		return append(dst, ']'), err
	case v.Type == gjson.String:
		return appendString(dst, v.Str), nil
	case v.Type == gjson.Number:
		return appendNumber(dst, v.Raw, strict)
	}
	return append(dst, v.Raw...), nil // true, false, null
}

type member struct {
	key   string
	value gjson.Result
}

func appendObject(dst []byte, v gjson.Result, strict bool, depth int) ([]byte, error) {
	var few [16]member
	members := few[:0]
	v.ForEach(func(key, value gjson.Result) bool {
		members = append(members, member{key.Str, value})
		return true
	})
	// The order of UTF-8 bytes is the order of code points.
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			if m.key == members[i-1].key {
				return nil, errDuplicate
			}
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, m.key), ':')
		var err error
		if dst, err = appendValue(dst, m.value, strict, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

const maxSafe = 1<<53 - 1

func appendNumber(dst []byte, raw string, strict bool) ([]byte, error) {
	n, ok := parseInt(raw)
	switch {
	case ok && n >= -maxSafe && n <= maxSafe:
		if raw == "-0" {
			raw = "0"
		}
		return append(dst, raw...), nil
	case strict:
		return nil, errNumber
	}
	return append(dst, raw...), nil
}

// parseInt reads a JSON integer of at most 16 digits.
func parseInt(raw string) (n int64, ok bool) {
	digits := strings.TrimPrefix(raw, "-")
	if len(digits) == 0 || len(digits) > 16 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, true
}

const hexDigits = "0123456789abcdef"

// appendString writes s with the shortest escapes.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
