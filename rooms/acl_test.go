package rooms_test

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestServerACL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		acl, server string
		want        bool
	}{
		{`{"allow":["*"]}`, "two.example", true},
		{`{"allow":["*"],"deny":["two.example"]}`, "two.example", false},
		{`{"allow":["*"],"deny":["two.example"]}`, "two.example:8448", false},
		{`{"allow":["*"],"deny":["TWO.example"]}`, "Two.Example", false},
		{`{"allow":["*"],"deny":["*.example"]}`, "example", true},
		{`{"allow":["*"],"deny":["t?o.example"]}`, "two.example", false},
		{`{"allow":["*"],"deny":["*a*a*a*a*a*a*a*a*a*a*b"]}`, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", true},
		{`{"allow":["one.example"]}`, "two.example", false},
		{`{}`, "two.example", false},
		{`{"allow":"*"}`, "two.example", false},
		{`{"allow":[7,"two.example"]}`, "two.example", true},
		{`{"allow":["*"],"allow_ip_literals":false}`, "two.example", true},
		{`{"allow":["*"],"allow_ip_literals":false}`, "10.0.0.1", false},
		{`{"allow":["*"],"allow_ip_literals":false}`, "10.0.0.1:8448", false},
		{`{"allow":["*"],"allow_ip_literals":false}`, "[::1]:8448", false},
		{`{"allow":["*"],"allow_ip_literals":"no"}`, "10.0.0.1", true},
		{`{"allow":["*"]}`, "[::1]", true},
	} {
		n := newTown(t, "one.example")
		r := n.houses["one.example"].Rooms
		ada := matrix.Principal{User: "@ada:one.example"}
		room, err := r.Create(t.Context(), ada, rooms.CreateRequest{Preset: "public_chat"})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := r.ServerMayTalk(t.Context(), room, c.server); err != nil || !ok {
			t.Errorf("without a list: %v, %v", ok, err)
		}
		key := ""
		if _, err := r.Send(t.Context(), ada, rooms.Draft{Room: room, Type: "m.room.server_acl", StateKey: &key, Content: json.RawMessage(c.acl)}); err != nil {
			t.Fatal(err)
		}
		if ok, err := r.ServerMayTalk(t.Context(), room, c.server); err != nil || ok != c.want {
			t.Errorf("%s, %s: %v, %v", c.acl, c.server, ok, err)
		}
	}
	r := newTown(t, "one.example").houses["one.example"].Rooms
	if ok, err := r.ServerMayTalk(t.Context(), id.RoomID("!unknown"), "two.example"); err != nil || !ok {
		t.Errorf("a room that is not known: %v, %v", ok, err)
	}
}
