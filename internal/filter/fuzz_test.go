package filter_test

import (
	"encoding/json"
	"errors"
	"testing"

	"plenum/internal/filter"
	"plenum/internal/matrix"
)

// FuzzParse reads filters of any bytes: they are refused with words for the
// client, or what they cut out of an event is JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"event_fields":["content.body","a\\.b"],"event_format":"client"}`,
		`{"presence":{"types":[],"not_senders":["@a:b"]},"room":{"rooms":["!a"],"include_leave":true}}`,
		`{"room":{"timeline":{"limit":10,"types":["m.*","*"],"contains_url":true,"related_by_senders":["@a:b"]},"state":{"lazy_load_members":true}}}`,
		`{"limit":3,"not_types":["a*b*c"]}`, `{"limit":-1}`, `{"rooms":["x"]}`, `[`,
	} {
		f.Add([]byte(seed), "m.room.message")
	}
	const event = `{"content":{"a.b":{"body":"x"},"body":[{}]},"type":"t","body":{"content":1}}`
	f.Fuzz(func(t *testing.T, raw []byte, typ string) {
		if e, err := filter.ParseEvents(raw); err == nil {
			if e.Match(filter.Subject{Type: typ}) && (e.IsShut() || !e.HasType(typ)) {
				t.Error("an event passes that cannot")
			}
		} else if e := (*matrix.Error)(nil); !errors.As(err, &e) {
			t.Errorf("not an error for clients: %v", err)
		}
		whole, err := filter.Parse(raw)
		if err != nil {
			if e := (*matrix.Error)(nil); !errors.As(err, &e) {
				t.Errorf("not an error for clients: %v", err)
			}
			return
		}
		if whole.Fields != nil {
			if cut := whole.Fields.Append(nil, []byte(event)); !json.Valid(cut) {
				t.Errorf("not JSON: %s", cut)
			}
		}
	})
}
