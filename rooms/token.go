package rooms

import (
	"strconv"
	"strings"

	"plenum/internal/matrix"
)

// Token is a gap between two events as clients know it: everything up to Pos
// lies before it, everything else behind. The tokens of /sync, /messages and
// the other endpoints with pages all mean the same, so that one may be given
// where another is expected.
type Token struct {
	Pos    matrix.Position
	Serial int64 // of typing and presence; only in tokens of /sync
}

// Sync returns the form that /sync gives out: s<position>_<serial>.
func (t Token) Sync() string {
	b := strconv.AppendInt([]byte{'s'}, int64(t.Pos), 10)
	return string(strconv.AppendInt(append(b, '_'), t.Serial, 10))
}

// Page returns the form for walking through a room's history: t<position>.
func (t Token) Page() string {
	return string(strconv.AppendInt([]byte{'t'}, int64(t.Pos), 10))
}

// ParseToken reads a token of either form. Anything else is M_INVALID_PARAM.
func ParseToken(s string) (Token, error) {
	var t Token
	var ok bool
	switch {
	case strings.HasPrefix(s, "t"):
		t.Pos, ok = parsePos(s[1:])
	case strings.HasPrefix(s, "s"):
		pos, serial, _ := strings.Cut(s[1:], "_")
		var n matrix.Position
		if t.Pos, ok = parsePos(pos); ok {
			n, ok = parsePos(serial)
		}
		t.Serial = int64(n)
		ok = ok && t.Pos >= 0 && t.Serial >= 0
	}
	if !ok {
		return Token{}, matrix.Errorf(matrix.InvalidParam, "This is not a token of this server.")
	}
	return t, nil
}

// parsePos reads a number the way it is written, so that every token has one form.
func parsePos(s string) (matrix.Position, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	pos := matrix.Position(n)
	return pos, err == nil && strconv.FormatInt(n, 10) == s && pos >= minPos && pos < maxPos
}
