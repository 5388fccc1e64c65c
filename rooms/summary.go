package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// Summary is what a room shows of itself in directories, spaces and previews.
//
// Spec: client-server-api#get_matrixclientv1room_summaryroomidoralias
type Summary struct {
	Room          id.RoomID
	Name          string
	Topic         string
	Avatar        string // mxc URI
	Alias         id.RoomAlias
	JoinRule      string
	Allowed       []id.RoomID // rooms whose members may join, with a restricted join rule
	Type          string      // "" for a room for talking, m.space …
	Version       string
	Encryption    string // algorithm; "" when it is not encrypted
	Joined        int
	GuestCanJoin  bool
	WorldReadable bool
}

// Summary returns what the room shows of itself now. It does not check who asks.
func (rm *Room) Summary(ctx context.Context) (Summary, error) {
	rm.mu.RLock()
	known := rm.summary
	rm.mu.RUnlock()
	if known == nil {
		made, err := rm.summarise(ctx)
		if err != nil {
			return Summary{}, err
		}
		known = made
	}
	s := *known
	s.Joined = rm.MemberCount("join")
	return s, nil
}

// summarised are the types of state that a Summary is made of.
var summarised = [...]string{
	"m.room.create", "m.room.name", "m.room.topic", "m.room.avatar", "m.room.canonical_alias", "m.room.join_rules",
	"m.room.encryption", "m.room.guest_access", "m.room.history_visibility",
}

// summarise makes the summary and keeps it until its state changes.
func (rm *Room) summarise(ctx context.Context) (*Summary, error) {
	last := rm.LastPos()
	s := &Summary{Room: rm.id, JoinRule: "invite", Version: rm.Version()}
	for _, typ := range summarised {
		e, err := rm.Current(ctx, typ, "")
		if err != nil {
			return nil, err
		}
		if e != nil {
			s.take(e)
		}
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if rm.last == last { // else something came in between
		rm.summary = s
	}
	return s, nil
}

// take takes over what the state event e says.
func (s *Summary) take(e *Event) {
	c := e.Content()
	switch e.Type {
	case "m.room.create":
		s.Type = c.Get("type").Str
	case "m.room.name":
		s.Name = c.Get("name").Str
	case "m.room.topic":
		s.Topic = c.Get("topic").Str
	case "m.room.avatar":
		s.Avatar = c.Get("url").Str
	case "m.room.canonical_alias":
		s.Alias = id.RoomAlias(c.Get("alias").Str)
	case "m.room.join_rules":
		if rule := c.Get("join_rule").Str; rule != "" {
			s.JoinRule = rule
		}
		s.Allowed = allowedRooms(e)
	case "m.room.encryption":
		s.Encryption = c.Get("algorithm").Str
	case "m.room.guest_access":
		s.GuestCanJoin = c.Get("guest_access").Str == "can_join"
	case "m.room.history_visibility":
		s.WorldReadable = c.Get("history_visibility").Str == "world_readable"
	}
}
