package sliding

import (
	"encoding/json"
	"testing"

	"plenum/homeserver/sliding"
)

// FuzzRequest: whatever a body holds, reading it does not fail in a way that
// is not the client's, and what is read is within what was written.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"conn_id":"c","lists":{"a":{"ranges":[[0,19]],"required_state":[["m.room.member","$LAZY"],["*","*"],["x","$ME"]],"timeline_limit":1,"filters":{"is_dm":true,"room_types":[null,"m.space"]}}}}`,
		`{"lists":{"a":{"ranges":[[0]],"required_state":[["x"]]},"b":null},"room_subscriptions":{"!x":null,"":{}}}`,
		`{"pos":"p","timeout":1,"lists":{"a":{"range":[0,99],"required_state":{"include":[{}, {"type":"x"},{"state_key":""}],"exclude":[{"type":null}],"lazy_members":true}}}}`,
		`{"lists":{"a":{"range":[1,2,3],"required_state":{}}},"extensions":{"to_device":{"enabled":true,"limit":-1,"since":"x"},"e2ee":{"enabled":true},"receipts":{"enabled":true,"lists":[],"rooms":["*"]},"org.matrix.msc4508.typing":{"enabled":true},"io.element.msc4308.thread_subscriptions":{"enabled":true,"limit":-1},"org.matrix.msc4354.sticky_events":{"enabled":true,"since":"x"}}}`,
		`{"lists":[],"room_subscriptions":1,"extensions":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		read(t, raw, &body[pairs]{}, sliding.Unstable)
		read(t, raw, &body[elements]{}, sliding.V4)
	})
}

func read[S state](t *testing.T, raw []byte, b *body[S], form sliding.Form) {
	if json.Unmarshal(raw, b) != nil {
		return
	}
	q, err := b.request(form, "@ada:one.example")
	if err != nil {
		return
	}
	if len(q.Lists) != len(b.Lists) || len(q.Rooms) > len(b.Subscriptions) {
		t.Errorf("%s is read as %+v", raw, q)
	}
	if q.Form != form || q.Extensions.ToDevice != nil && !b.Extensions.ToDevice.Enabled {
		t.Errorf("%s is read as %+v", raw, q)
	}
}
