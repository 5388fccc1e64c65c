package storage

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

func TestRewrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, sqlite, postgres string }{
		{"SELECT $1, $2, $1", "SELECT ?1, ?2, ?1", "SELECT $1, $2, $1"},
		{"a {in $1}", "a IN (SELECT value FROM json_each(?1))", "a = ANY($1)"},
		{"SELECT 1 {lock}", "SELECT 1 ", "SELECT 1 FOR UPDATE"},
		{"x { bytes }", "x BLOB", "x BYTEA"},
		{"n {key}", "n INTEGER PRIMARY KEY", "n BIGINT PRIMARY KEY"},
		{"'{lock} $1' \"{bytes}\" 'it''s $2'", "'{lock} $1' \"{bytes}\" 'it''s $2'", "'{lock} $1' \"{bytes}\" 'it''s $2'"},
		{"a -- {lock} '\nb $1", "a -- {lock} '\nb ?1", "a -- {lock} '\nb $1"},
		{"a /* {no token} */ $1", "a /* {no token} */ ?1", "a /* {no token} */ $1"},
		{"'without end {lock}", "'without end {lock}", "'without end {lock}"},
		{"price $", "price $", "price $"},
	} {
		for e, want := range map[Engine]string{SQLite: c.sqlite, Postgres: c.postgres} {
			if got, err := rewrite(e, c.sql, 0); err != nil || got.text != want {
				t.Errorf("%s, %s: got %+v, %v", e, c.sql, got, err)
			}
		}
	}
	bytes, err := rewrite(SQLite, "a {in $2}", 1<<1)
	if err != nil || bytes.text != "a IN (SELECT unhex(value) FROM json_each(?2))" {
		t.Errorf("list of bytes: %+v, %v", bytes, err)
	}
	for _, bad := range []string{"{in 1}", "{in $1 $2}", "{in $65}", "{unknown}", "{lock", "$0", "$99999"} {
		if got, err := rewrite(Postgres, bad, 0); err == nil {
			t.Errorf("%s was rewritten to %s", bad, got.text)
		}
	}
}

func TestStatementsThatOnlyRead(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		" select 1": false, "WITH a AS (SELECT 1) SELECT * FROM a": false,
		"INSERT INTO a VALUES (1)": true, "WITH a AS (SELECT 1) DELETE FROM b": true, "CREATE TABLE a (b BIGINT)": true,
	} {
		if writes(sql) != want {
			t.Errorf("%s: want %v", sql, want)
		}
	}
}

func TestMigrationsAreCutToTheEngine(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"0002_second.sql": {Data: []byte("CREATE TABLE b (c {bytes});\n-- only: postgres\nALTER TABLE b SET (fillfactor = 80);\n-- only: sqlite\nSELECT 'x';\n-- all\nSELECT 1;\n")},
		"0001_first.sql":  {Data: []byte("SELECT 0;\n")},
	}
	for e, want := range map[Engine][]migration{
		SQLite:   {{1, "first", "SELECT 0;\n"}, {2, "second", "CREATE TABLE b (c BLOB);\nSELECT 'x';\nSELECT 1;\n"}},
		Postgres: {{1, "first", "SELECT 0;\n"}, {2, "second", "CREATE TABLE b (c BYTEA);\nALTER TABLE b SET (fillfactor = 80);\nSELECT 1;\n"}},
	} {
		if got, err := readMigrations(e, dir); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v", e, got, err)
		}
	}
	for _, bad := range []fstest.MapFS{
		{"1_short.sql": {}}, {"0001.sql": {}}, {"0001_a.sql": {}, "0001_b.sql": {}},
		{"0001_a.sql": {Data: []byte("-- only: oracle\n")}}, {"0001_a.sql": {Data: []byte("SELECT {what}")}},
	} {
		if got, err := readMigrations(SQLite, bad); err == nil {
			t.Errorf("got %+v without error", got)
		}
	}
}

// Strings of clients travel to SQLite in lists of JSON.
func FuzzListAsJSON(f *testing.F) {
	f.Add("plain", "")
	f.Add("\"\\\b\x1f", "\u2028\U0001F600/")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		var got []string
		text := list{kind: textList, texts: []string{a, b}}.json()
		if err := json.Unmarshal([]byte(text), &got); err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q became %q: %v", []string{a, b}, text, err)
		}
	})
}
