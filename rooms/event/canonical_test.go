package event_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	lib "github.com/matrix-org/gomatrixserverlib"

	"plenum/rooms/event"
)

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`:                         `{}`,
		` { } `:                      `{}`,
		`[ ]`:                        `[]`,
		`{ "one": 1, "two": "Two" }`: `{"one":1,"two":"Two"}`,
		`{"b":"2","a":"1"}`:          `{"a":"1","b":"2"}`,
		`{"c":{"y":1,"x":[{"d":1,"b":2}]},"a":1}`: `{"a":1,"c":{"x":[{"b":2,"d":1}],"y":1}}`,
		`{"a": "日本語"}`:                            `{"a":"日本語"}`,
		`{"本": 2, "日": 1}`:                        `{"日":1,"本":2}`,
		`{"a": "\u65E5"}`:                         `{"a":"日"}`,
		`{"a":"\ud83D\ude00"}`:                    `{"a":"😀"}`,
		`{"\uff5e":1,"\ud83d\ude00":2}`:           `{"～":1,"😀":2}`, // by code point, not as UTF-16
		`{"a\"":1,"a!":2,"a#":3}`:                 `{"a!":2,"a\"":1,"a#":3}`,
		`{"\\":1,"\u005b":2,"]":3}`:               `{"[":2,"\\":1,"]":3}`,
		`{"a": null, "b":[true,{"z":1,"y":-0}]}`:  `{"a":null,"b":[true,{"y":0,"z":1}]}`,
		`{"a":"\u0000\t\/\"\\\u001F\u007f"}`:      `{"a":"\u0000\t/\"\\\u001f` + "\x7f" + `"}`,
		`-9007199254740991`:                       `-9007199254740991`,
		`false`:                                   `false`,
	} {
		got, err := event.AppendCanonical([]byte("before"), []byte(in), true)
		if err != nil || string(got) != "before"+want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		``, ` `, `{`, `[`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `{"a":1}}`, `{} x`, `nul`, `truer`, `+1`, `01`, `-`, `.5`, `1.`, `1e`, `"`, `"\`, `"\"`,
		`"\x"`, `"\u12"`, `"\u123g"`, "\"\n\"", "\"\\n\n\"", `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"b":0,"a":1,"c":2,"a":3}`,
		`"\ud800"`, `"\ud800x"`, `"\udc00"`, `"\ud800\u0041"`, "{\"a\":\"\xff\"}", "\"\\n\xff\"", "{\"\xff\":1}",
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
	} {
		for _, strict := range []bool{true, false} {
			if got, err := event.AppendCanonical(nil, []byte(in), strict); err == nil {
				t.Errorf("%s: got %s, want an error", in, got)
			}
		}
	}
}

// Since version 6 numbers are integers that every program can hold.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`1.5`, `1e3`, `1.0`, `9007199254740992`, `-9007199254740992`, `123456789012345678901234567890`, `1E-7`} {
		if got, err := event.AppendCanonical(nil, []byte(in), true); err == nil {
			t.Errorf("%s: got %s, want an error", in, got)
		}
		if got, err := event.AppendCanonical(nil, []byte(in), false); err != nil || string(got) != in {
			t.Errorf("%s: got %s, %v in an old room; want it as it is", in, got, err)
		}
	}
}

// encoding/json sorts and escapes alike, but for two characters and HTML.
func TestCanonicalAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	parts := []string{"", "a", "B", "\"", "\\", "\n", "\b", "\x01", "/", "é", "\uffff", "😀", "<&>"}
	for range 2000 {
		m := map[string]any{}
		for range r.IntN(20) {
			m[parts[r.IntN(len(parts))]+parts[r.IntN(len(parts))]] = parts[r.IntN(len(parts))]
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m); err != nil {
			t.Fatal(err)
		}
		var raw bytes.Buffer // unsorted
		raw.WriteByte('{')
		for k, v := range m {
			if raw.Len() > 1 {
				raw.WriteByte(',')
			}
			key, _ := json.Marshal(k)
			value, _ := json.Marshal(v)
			raw.Write(append(append(key, ':'), value...))
		}
		raw.WriteByte('}')
		got, err := event.AppendCanonical(nil, raw.Bytes(), true)
		if err != nil || string(got)+"\n" != want.String() {
			t.Fatalf("%s: got %s, %v; want %s", raw.Bytes(), got, err, want.Bytes())
		}
	}
}

// The library's canonical form is the oracle for what both accept. It breaks
// keys with escapes, and does not refuse all that is not JSON.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":[1,{"d":"x","c":null}],"a":"é\n"}`, `{"a":-9007199254740991}`, `[{"":""}]`, `{"\ud83d\ude00":"\u0000","a":1.5e3}`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, strict := range []bool{true, false} {
			ours, err := event.AppendCanonical(nil, raw, strict)
			if err != nil {
				continue
			}
			if !json.Valid(raw) || !json.Valid(ours) {
				t.Fatalf("accepted %q as %s", raw, ours)
			}
			again, err := event.AppendCanonical(nil, ours, strict)
			if err != nil || string(again) != string(ours) {
				t.Fatalf("not stable: %s, then %s (%v)", ours, again, err)
			}
			if strict && !bytes.Contains(raw, []byte(`\`)) {
				theirs, err := lib.CanonicalJSON(raw)
				if err == nil && string(theirs) != string(ours) && !bytes.Contains(raw, []byte("-0")) {
					t.Fatalf("ours %s, the library's %s", ours, theirs)
				}
			}
		}
	})
}
