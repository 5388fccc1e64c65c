package rooms

import (
	"testing"

	"plenum/internal/matrix"
)

func TestTokensKeepTheirPlace(t *testing.T) {
	t.Parallel()
	for _, tok := range []Token{{}, {Pos: 1}, {Pos: 72594, Serial: 4483}, {Pos: 5, Serial: 1, Lag: 5}, {Pos: 8}, {Pos: 9, Held: 4}, {Pos: 9, Lag: 2, Held: 9}} {
		if got, err := ParseToken(tok.Sync()); err != nil || got != tok {
			t.Errorf("%s is read as %+v, %v", tok.Sync(), got, err)
		}
		if got, err := ParseToken(tok.Page()); err != nil || got != (Token{Pos: tok.Pos}) {
			t.Errorf("%s is read as %+v, %v", tok.Page(), got, err)
		}
		named := Token{Pos: tok.Pos, Conn: "x1f", Answer: 3}
		if got, err := ParseToken(named.Connection()); err != nil || got != named {
			t.Errorf("%s is read as %+v, %v", named.Connection(), got, err)
		}
	}
}

func TestForeignTokensAreTheClientsMistake(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "s", "t", "x1_2", "s1", "s_", "s1_", "s_1", "s1_2_3", "s4_2_0", "s4_2_-1", "s4_2_1_0", "s4_2_0_0", "s4_2_1_5", "s4_2_1_1_1", "s1_-2", "s01_2", "s+1_2", "s1_2 ", "t1_2", "t1.5",
		"c", "c1", "c1_x", "c1__2", "c1_x_", "c1_x_2_3", "c-1_x_2", "c1_x_-2", "c01_x_2", "c_x_2",
		"s99999999999999999999_1", "t-9223372036854775808", "s1_9223372036854775808",
	} {
		if tok, err := ParseToken(s); !matrix.IsCode(err, matrix.InvalidParam) {
			t.Errorf("%q is read as %+v, %v", s, tok, err)
		}
	}
}

// FuzzParseToken: a token is refused, or it is exactly what we would write.
func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{"", "s1_2", "t5", "t-5", "s0_0", "s4_2_3", "s4_2_0_3", "s1_2_3", "s-1_x", "c5_a_1", "c5__1", "c0_ _0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err == nil && s != tok.Sync() && s != tok.Page() && s != tok.Connection() {
			t.Errorf("%q is read as %+v", s, tok)
		}
	})
}
