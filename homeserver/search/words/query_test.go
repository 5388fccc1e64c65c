package words_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"plenum/homeserver/search/words"
)

// terms are what an index is asked for: "word" exactly, "word*" for words that
// begin so, "-word" for what is not wanted.
func terms(query string) string {
	var out []string
	for _, t := range words.ParseQuery(query).Terms() {
		s := t.Word
		if t.Prefix {
			s += "*"
		}
		if t.Not {
			s = "-" + s
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestTermsOfQueries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{" , ! ", ""},
		{"Haus", "haus*"},
		{"Haus Boot haus", "haus* boot*"},
		{`"Haus Boot"`, "haus boot"},
		{`„Haus Boot“ kaufen`, "haus boot kaufen*"},
		{`"Haus Boot`, "haus* boot*"},
		{"v1.2", "v1 2"},
		{"a 4", "a 4"},
		{"haus -boot", "haus* -boot*"},
		{`haus -"boot im wasser"`, "haus*"},
		{"-5", "5"},
		{"haus - boot", "haus* boot*"},
		{"well-known", "well known*"},
		{"日本語", "日本 本語"},
		{"日", "日*"},
		{`"日"`, "日*"},
		{"2024年", "2024 年*"},
		{"東京abc", "東京 京 abc*"},
	} {
		if got := terms(c.query); got != c.want {
			t.Errorf("%q: %s, want %s", c.query, got, c.want)
		}
	}
}

func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	long := ""
	for i := range 1000 {
		long += fmt.Sprintf("word%d ", i)
	}
	if n := len(words.ParseQuery(long).Terms()); n != 32 {
		t.Errorf("a query has %d terms", n)
	}
	if n := len(words.ParseQuery(strings.ReplaceAll(long, " ", ".")).Terms()); n != 32 {
		t.Errorf("a phrase has %d terms", n)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, text, found string }{
		{"haus", "Die Haustür am Haus, das HAUS", "Haustür|Haus|HAUS"},
		{"haus", "Ein Bauhaus", ""},
		{"haus boot", "Boote und Häuser", "Häuser|Boote"},
		{"haus boot", "Häuser", ""},
		{`"haus boot"`, "Haus Boot", "Haus|Boot"},
		{`"haus boot"`, "Boot Haus", ""},
		{`"haus boot"`, "Haus Boote", ""},
		{"v1.2", "version v1.2 is out", "v1|2"},
		{"v1.2", "2 of v1", ""},
		{"haus -boot", "Haus", "Haus"},
		{"haus -boot", "Haus und Boot", ""},
		{`haus -"boot im wasser"`, "Haus im Wasser", "Haus"},
		{`haus -"boot im wasser"`, "Haus, Boot im Wasser", ""},
		{"日本語", "これは日本語です", "日本|本語"},
		{"日本語", "日本の本語", ""},
		{"語", "日本語", "語"},
		{"本", "日本語", "本語"},
		{"東京2020", "大東京2020大会", "東京|京|2020"},
		{"ışık", "IŞIKLAR", "IŞIKLAR"},
		{"мир", "Мировой", "Мировой"},
		{"كتاب", "كِتَابي", "كِتَابي"},
		{"!", "anything!", ""},
	} {
		found, ok := words.ParseQuery(c.query).Match(c.text)
		if got := strings.Join(found, "|"); got != c.found || ok != (c.found != "") {
			t.Errorf("%q in %q: %s, %v, want %s", c.query, c.text, got, ok, c.found)
		}
	}
}

// FuzzQuery checks that what a query matches has the words that an index is
// asked for: else it would never be found.
func FuzzQuery(f *testing.F) {
	for _, seed := range [][2]string{
		{"haus", "Haustür"}, {`"a b" -c`, "a b"}, {"日本語 2024年", "日本語と2024年の"}, {`„x“ -"y z`, "x"},
		{"-5", "5"}, {"\xff\"", "\xff"}, {"東京abc", "東京abc"}, {"가나 나", "가나 가"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, query, text string) {
		q := words.ParseQuery(query)
		all := q.Terms()
		if len(all) > 32 {
			t.Fatalf("%q has %d terms", query, len(all))
		}
		if q.IsEmpty() != !slices.ContainsFunc(all, func(t words.Term) bool { return !t.Not }) {
			t.Fatalf("%q: empty %v, with the terms %v", query, q.IsEmpty(), all)
		}
		found, ok := q.Match(text)
		if !ok {
			return
		}
		if len(found) == 0 {
			t.Fatalf("%q matches %q by nothing", query, text)
		}
		in := words.Split(text)
		for _, term := range all {
			has := slices.ContainsFunc(in, func(w words.Word) bool {
				return w.Text == term.Word || term.Prefix && strings.HasPrefix(w.Text, term.Word)
			})
			if has == term.Not {
				t.Fatalf("%q matches %q, of which the index has %v: %v", query, text, term, has)
			}
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	for name, text := range map[string]string{
		"english": "Does anybody know when the next meeting of the housing committee is?",
		"russian": "Кто-нибудь знает, когда следующее собрание жилищного комитета?",
		"german":  "Weiß jemand, wann die nächste Versammlung des Häuserrats ist?",
		"chinese": "有人知道下次住房委员会会议是什么时候吗？",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				words.Split(text)
			}
		})
	}
}
