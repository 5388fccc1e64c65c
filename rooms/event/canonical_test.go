package event

import (
	"testing"

	"github.com/matrix-org/gomatrixserverlib"
)

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`:                                     `{}`,
		`{ "one": 1, "two": "Two" }`:             `{"one":1,"two":"Two"}`,
		`{"b":"2","a":"1"}`:                      `{"a":"1","b":"2"}`,
		`{"a": "日本語"}`:                           `{"a":"日本語"}`,
		`{"本": 2, "日": 1}`:                       `{"日":1,"本":2}`,
		`{"a": "\u65E5"}`:                        `{"a":"日"}`,
		`{"a": null, "b":[true,{"z":1,"y":-0}]}`: `{"a":null,"b":[true,{"y":0,"z":1}]}`,
		`{"a":"\u0000\t\/\"\\"}`:                 `{"a":"\u0000\t/\"\\"}`,
	} {
		got, err := AppendCanonical(nil, []byte(in), true)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{"a":1.5}`, `{"a":1e3}`, `{"a":9007199254740992}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{`, "{\"a\":\"\xff\"}", ``} {
		if got, err := AppendCanonical(nil, []byte(in), true); err == nil {
			t.Errorf("%s: got %s, want an error", in, got)
		}
	}
}

// The library's canonical form is the oracle for what both accept.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":[1,{"d":"x","c":null}],"a":"é\n"}`, `{"a":-9007199254740991}`, `[{"":""}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ours, err := AppendCanonical(nil, raw, true)
		if err != nil {
			return
		}
		again, err := AppendCanonical(nil, ours, true)
		if err != nil || string(again) != string(ours) {
			t.Fatalf("not stable: %s, then %s (%v)", ours, again, err)
		}
		theirs, err := gomatrixserverlib.CanonicalJSON(ours)
		if err == nil && string(theirs) != string(ours) {
			t.Fatalf("ours %s, the library's %s", ours, theirs)
		}
	})
}
