package words_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"plenum/homeserver/search/words"
)

func split(text string) string {
	var out []string
	for _, w := range words.Split(text) {
		out = append(out, w.Text)
	}
	return strings.Join(out, "|")
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"  ... !", ""},
		{"Hello, world!", "hello|world"},
		{"foo_bar-baz v1.2", "foo|bar|baz|v1|2"},
		{"don't", "don|t"},
		{"https://example.org/a?b=c", "https|example|org|a|b|c"},
		{"Straße STRASSE ẞ", "strasse|strasse|ss"},
		{"Häuser Mu\u0308ller", "hauser|muller"},
		{"Café naïve façade ÅNGSTRÖM", "cafe|naive|facade|angstrom"},
		{"Łódź Øresund Æsir œuvre Þór đak", "lodz|oresund|aesir|oeuvre|thor|dak"},
		{"IŞIK ışık İstanbul istanbul", "isik|isik|istanbul|istanbul"},
		{"Привет, МИР", "привет|мир"},
		{"ёлка ЕЛКА мой мои", "елка|елка|мой|мои"},
		{"Αθήνα ΣΟΦΟΣ σοφός", "αθηνα|σοφοσ|σοφοσ"},
		{"مُحَمَّد محمد", "محمد|محمد"},
		{"العـــربية", "العربيه"},
		{"إسلام آية", "اسلام|ايه"},
		{"می\u200cخواهم", "ميخواهم"},
		{"۱۲۳ ٤٥٦ １２３", "123|456|123"},
		{"שָׁלוֹם שלומי", "שלומ|שלומי"},
		{"हिन्दी में", "हिन्दी|में"},
		{"tiếng Việt", "tieng|viet"},
		{"ﬁnd ｆｕｌｌ", "find|full"},
		{"co\u00adoperate", "cooperate"},
		{"日本語", "日本|本語|語"},
		{"日", "日"},
		{"今日はgood日", "今日|日は|は|good|日"},
		{"ﾊﾝｶｸ カタカナー", "ハン|ンカ|カク|ク|カタ|タカ|カナ|ナー|ー"},
		{"한국어", "한국|국어|어"},
		{"สวัสดี", "สว|วั|ัส|สด|ดี|ี"},
		{"nice 🎉👍🏽 party", "nice|🎉|👍|party"},
		{"a\u200bb", "a|b"},
		{strings.Repeat("x", 100), strings.Repeat("x", 64)},
		{strings.Repeat("я", 100), strings.Repeat("я", 32)},
	} {
		if got := split(c.text); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestWordsAreTakenAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var raw []string
	for _, w := range words.Split("Die Straße İÇİN 日本語") {
		raw = append(raw, w.Raw)
	}
	if got := strings.Join(raw, "|"); got != "Die|Straße|İÇİN|日本|本語|語" {
		t.Errorf("written %s", got)
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "Hello, wörld", "日本語 ー", "a\u0300\u200d\xff", "👩\u200d💻", "\U000e0100क्", strings.Repeat("ß", 70)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range words.Split(text) {
			if w.Text == "" || w.Raw == "" {
				t.Fatalf("%q has an empty word: %+v", text, w)
			}
			if len(w.Text) > 64 || !utf8.ValidString(w.Text) {
				t.Fatalf("%q has the word %q", text, w.Text)
			}
			if w.Text[0] < '0' {
				t.Fatalf("%q has a word that begins like a mark: %q", text, w.Text)
			}
			if strings.ContainsAny(w.Text, " \t\n\"") {
				t.Fatalf("%q has a word with a gap in it: %q", text, w.Text)
			}
		}
	})
}
