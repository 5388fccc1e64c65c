package rooms

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// Lookups are what other servers show of rooms that this one need not be in.
// What they answer is not trusted.
type Lookups interface {
	Hierarchy(ctx context.Context, server string, room id.RoomID) (*ForeignSpace, error)
	// EventAt returns which event is closest to a time, and when that was.
	EventAt(ctx context.Context, server string, room id.RoomID, ts int64, back bool) (id.EventID, int64, error)
}

// ForeignSpace is a room and its children, as another server knows them.
type ForeignSpace struct {
	Room         json.RawMessage
	Children     []json.RawMessage
	Inaccessible []id.RoomID // of which it says nobody here may know them
}

// mostForeign bounds the rooms that are taken from one answer.
const mostForeign = 1000

// parseSummary reads what another server says of a room.
func parseSummary(raw json.RawMessage) (Summary, bool) {
	v := gjson.ParseBytes(raw)
	room := id.RoomID(shortText(v.Get("room_id"), 255))
	if checkRoomID(room) != nil {
		return Summary{}, false
	}
	s := Summary{
		Room: room, Name: shortText(v.Get("name"), 1000), Topic: shortText(v.Get("topic"), 10_000),
		Avatar: shortText(v.Get("avatar_url"), 1000), Alias: id.RoomAlias(shortText(v.Get("canonical_alias"), 255)),
		JoinRule: shortText(v.Get("join_rule"), 255), Type: shortText(v.Get("room_type"), 255), Version: shortText(v.Get("room_version"), 255),
		Encryption: shortText(v.Get("encryption"), 255), Joined: int(max(0, v.Get("num_joined_members").Int())),
		GuestCanJoin: v.Get("guest_can_join").Bool(), WorldReadable: v.Get("world_readable").Bool(),
	}
	if s.JoinRule == "" {
		s.JoinRule = "public" // the default of this member
	}
	if !strings.HasPrefix(s.Avatar, "mxc://") {
		s.Avatar = ""
	}
	for i, a := range v.Get("allowed_room_ids").Array() {
		if room := id.RoomID(a.Str); i < mostForeign && checkRoomID(room) == nil {
			s.Allowed = append(s.Allowed, room)
		}
	}
	return s, true
}

// shortText is a foreign text, "" when it is none or longer than anybody needs.
func shortText(v gjson.Result, most int) string {
	if v.Type != gjson.String || len(v.Str) > most {
		return ""
	}
	return strings.ToValidUTF8(v.Str, "�")
}
