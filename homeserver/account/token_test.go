package account

import (
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, kind := range []tokenKind{accessToken, loginToken, openIDToken} {
		token := newToken(kind, nil)
		if raw, ok := openToken(kind, token); !ok || len(raw) != secretBytes || !strings.HasPrefix(token, string(kind)) {
			t.Errorf("%s does not open: %d bytes, %v", token, len(raw), ok)
		}
		if _, ok := openToken(refreshToken, token); ok {
			t.Errorf("%s passes for another kind", token)
		}
		if newToken(kind, nil) == token {
			t.Error("two tokens are the same")
		}
	}
	family := newFamily()
	one, two := newToken(refreshToken, family), newToken(refreshToken, family)
	f1, ok1 := openRefresh(one)
	f2, ok2 := openRefresh(two)
	if !ok1 || !ok2 || f1 != string(family) || f1 != f2 || one == two {
		t.Errorf("refresh tokens %s, %s of families %x, %x", one, two, f1, f2)
	}
}

func TestForeignTokens(t *testing.T) {
	t.Parallel()
	token := newToken(accessToken, nil)
	swapped := []byte(token)
	swapped[10], swapped[11] = swapped[11]+1, swapped[10]
	for _, bad := range []string{"", "pla_", "syt_YQ_abcdefghij_0wXyz1", token[1:], token + "A", token[:len(token)-1], strings.ToLower(token), string(swapped), strings.Replace(token, "pla_", "pll_", 1)} {
		if _, ok := openToken(accessToken, bad); ok && bad != token {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "pla_", newToken(accessToken, nil), newToken(refreshToken, newFamily()), "plr_====", "pla_\xff", "plr_" + strings.Repeat("0", 17) + "\n\n\n\n" + strings.Repeat("0", 38)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, kind := range []tokenKind{accessToken, refreshToken, loginToken, openIDToken} {
			raw, ok := openToken(kind, token)
			if ok && (!strings.HasPrefix(token, string(kind)) || len(raw) < secretBytes) {
				t.Errorf("%q opens as %s", token, kind)
			}
		}
		if family, ok := openRefresh(token); ok && len(family) != familyBytes {
			t.Errorf("%q has a family of %d bytes", token, len(family))
		}
	})
}
