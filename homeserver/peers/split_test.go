package peers

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestValuesAreCutWhereTheyEnd(t *testing.T) {
	t.Parallel()
	const text = ` { "a\"}" : [ 1 , "x]\\" , {"b":[{}]} , null,"",-1.5e3 ] , "c":{},"d" :true}`
	for name, from := range map[string]io.Reader{"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
		s := newSplitter(from)
		var got []string
		d := &decoder{split: s, left: 10}
		err := d.object(func(key string) (bool, error) {
			got = append(got, key)
			if key != `a"}` {
				return false, nil
			}
			if err := s.expect('['); err != nil {
				return true, err
			}
			for {
				raw, err := s.value(12)
				if err != nil {
					return true, err
				}
				got = append(got, string(raw))
				if more, err := s.more(']'); !more || err != nil {
					return true, err
				}
			}
		})
		if want := `a"} 1 "x]\\" {"b":[{}]} null "" -1.5e3 c d`; err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %s", name, got, err, want)
		}
	}
}

func TestLongValuesAreNotKept(t *testing.T) {
	t.Parallel()
	s := newSplitter(iotest.HalfReader(strings.NewReader(`"` + strings.Repeat("x", 1<<20) + `",1`)))
	if raw, err := s.value(1000); raw != nil || err != nil {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if err := s.expect(','); err != nil {
		t.Error(err)
	}
}

// FuzzDecoder compares with encoding/json.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{`{"state":[{"a":"}"}, {}],"x":[1,{"b":null}]}`, `{"state":null}`, `{"state":[]}`, `{"state":[{}}`, `{"state":[{"a":[}]}]}`, `{`, `{"state":[{},]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := decodeJoin(iotest.OneByteReader(strings.NewReader(text)), 100)
		if err != nil {
			if !errors.Is(err, ErrAnswer) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var want struct {
			State []json.RawMessage `json:"state"`
		}
		if json.Unmarshal([]byte(text), &want) != nil || strings.Count(text, "tate") > 1 || strings.Contains(text, "\\") {
			return // other members are not looked at, and names may come twice or in capitals
		}
		for _, ev := range a.State {
			if !json.Valid(ev) || ev[0] != '{' {
				t.Errorf("%q: %q is no event", text, ev)
			}
		}
		if strings.Contains(text, `"state"`) && len(a.State) != len(want.State) {
			t.Errorf("%q: %d events, want %d", text, len(a.State), len(want.State))
		}
	})
}
