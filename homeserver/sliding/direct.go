package sliding

import (
	"context"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// directs are the direct chats of a user, as their clients keep them in the
// account data.
//
// Spec: client-server-api#direct-messaging
type directs struct {
	from  *byte // what they were read from; nil: nothing
	rooms map[id.RoomID]struct{}
}

// has reports whether room is a direct chat.
func (d *directs) has(room id.RoomID) bool {
	_, ok := d.rooms[room]
	return ok
}

// directs returns the direct chats of user. They are read once: what is in the
// account data never changes where it is, but is replaced.
func (e *Engine) directs(ctx context.Context, user id.UserID) (*directs, error) {
	content, err := e.Data.Stored(ctx, user, "", "m.direct")
	if err != nil {
		return nil, err
	}
	var from *byte
	if len(content) > 0 {
		from = &content[0]
	}
	if known, ok := e.chats.Get(user); ok && known.from == from {
		return known, nil
	}
	d := &directs{from: from, rooms: map[id.RoomID]struct{}{}}
	gjson.ParseBytes(content).ForEach(func(_, list gjson.Result) bool {
		for _, room := range list.Array() {
			if room.Type == gjson.String {
				d.rooms[id.RoomID(room.Str)] = struct{}{}
			}
		}
		return true
	})
	e.chats.Add(user, d)
	return d, nil
}
