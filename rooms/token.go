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
	// Lag is how far the messages from device to device are behind Pos,
	// because there were too many for one answer; only in tokens of /sync.
	Lag matrix.Position
	// Held is how far the sticky events are behind Pos, because there were too
	// many for one answer; only in tokens of /sync.
	Held matrix.Position
	// Conn and Answer name an answer on a connection of sliding sync; only in
	// the positions that those give out.
	Conn   string
	Answer int64
}

// Sync returns the form that /sync gives out: s<position>_<serial>, and
// _<lag> and _<held> behind it if there is one.
func (t Token) Sync() string {
	b := strconv.AppendInt([]byte{'s'}, int64(t.Pos), 10)
	b = strconv.AppendInt(append(b, '_'), t.Serial, 10)
	if t.Lag > 0 || t.Held > 0 {
		b = strconv.AppendInt(append(b, '_'), int64(t.Lag), 10)
	}
	if t.Held > 0 {
		b = strconv.AppendInt(append(b, '_'), int64(t.Held), 10)
	}
	return string(b)
}

// Page returns the form for walking through a room's history: t<position>.
func (t Token) Page() string {
	return string(strconv.AppendInt([]byte{'t'}, int64(t.Pos), 10))
}

// Connection returns the form that sliding sync gives out:
// c<position>_<connection>_<answer>.
func (t Token) Connection() string {
	b := strconv.AppendInt([]byte{'c'}, int64(t.Pos), 10)
	b = append(append(append(b, '_'), t.Conn...), '_')
	return string(strconv.AppendInt(b, t.Answer, 10))
}

// ParseToken reads a token of any form. Anything else is M_INVALID_PARAM.
func ParseToken(s string) (Token, error) {
	var t Token
	var ok bool
	switch {
	case strings.HasPrefix(s, "t"):
		t.Pos, ok = parsePos(s[1:])
	case strings.HasPrefix(s, "s"):
		t, ok = parseSync(s[1:])
	case strings.HasPrefix(s, "c"):
		t, ok = parseConnection(s[1:])
	}
	if !ok {
		return Token{}, matrix.Errorf(matrix.InvalidParam, "This is not a token of this server.")
	}
	return t, nil
}

// parseSync reads a token of /sync without its first letter.
func parseSync(s string) (t Token, ok bool) {
	parts := strings.Split(s, "_")
	if len(parts) < 2 || len(parts) > 4 {
		return t, false
	}
	numbers := make([]matrix.Position, 4)
	for i, part := range parts {
		if numbers[i], ok = parsePos(part); !ok || numbers[i] < 0 {
			return t, false
		}
	}
	t = Token{Pos: numbers[0], Serial: int64(numbers[1]), Lag: numbers[2], Held: numbers[3]}
	return t, t.Lag <= t.Pos && t.Held <= t.Pos && t.Sync() == "s"+s
}

// parseConnection reads a position of sliding sync without its first letter.
func parseConnection(s string) (t Token, ok bool) {
	parts := strings.Split(s, "_")
	if len(parts) != 3 || parts[1] == "" {
		return t, false
	}
	t.Conn = parts[1]
	if t.Pos, ok = parsePos(parts[0]); !ok || t.Pos < 0 {
		return t, false
	}
	answer, ok := parsePos(parts[2])
	t.Answer = int64(answer)
	return t, ok && answer >= 0
}

// parsePos reads a number the way it is written, so that every token has one form.
func parsePos(s string) (matrix.Position, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	pos := matrix.Position(n)
	return pos, err == nil && strconv.FormatInt(n, 10) == s && pos >= minPos && pos < maxPos
}
