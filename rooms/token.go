package rooms

import (
	"strconv"
	"strings"

	"plenum/internal/matrix"
)

// Token is a place between events, which clients hold for us: everything up to
// and including Pos lies before it. It has the same meaning wherever a client
// uses it, whether a sync or a page of history gave it.
type Token struct {
	Pos       matrix.Position
	Ephemeral int64 // how far a sync has read what only memory holds; 0 in tokens of history
}

// SyncToken returns the form in which a sync hands t out.
func (t Token) SyncToken() string {
	b := strconv.AppendInt(append(make([]byte, 0, 40), 's'), int64(t.Pos), 10)
	return string(strconv.AppendInt(append(b, '_'), t.Ephemeral, 10))
}

// String returns the form in which pages of history hand t out.
func (t Token) String() string { return "t" + strconv.FormatInt(int64(t.Pos), 10) }

// ParseToken reads either form. Anything else is M_INVALID_PARAM.
func ParseToken(s string) (Token, error) {
	var t Token
	var ok bool
	if rest, isSync := strings.CutPrefix(s, "s"); isSync {
		pos, ephemeral, _ := strings.Cut(rest, "_")
		var pok bool
		t.Pos, pok = parsePos(pos)
		eph, eok := parsePos(ephemeral)
		t.Ephemeral, ok = int64(eph), pok && eok && eph >= 0
	} else if rest, isPage := strings.CutPrefix(s, "t"); isPage {
		t.Pos, ok = parsePos(rest)
	}
	if !ok {
		return Token{}, matrix.Errorf(matrix.InvalidParam, "That is not a token of this server.")
	}
	return t, nil
}

// parsePos reads a number that is written as we would write it.
func parsePos(s string) (matrix.Position, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	pos := matrix.Position(n)
	return pos, err == nil && pos >= minPos && strconv.FormatInt(n, 10) == s
}
