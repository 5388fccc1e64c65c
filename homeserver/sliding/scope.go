package sliding

import (
	"slices"

	"maunium.net/go/mautrix/id"
)

// scopes are the rooms that the extensions tell of; nil: that one is off.
type scopes struct{ data, receipts, typing *scope }

// scope is the rooms that one extension tells of.
type scope struct {
	lists    lists
	allRooms bool // all subscriptions
	rooms    map[id.RoomID]struct{}
}

func (q *question) compileScopes() scopes {
	x := &q.extensions
	return scopes{data: q.scope(x.AccountData), receipts: q.scope(x.Receipts), typing: q.scope(x.Typing)}
}

func (q *question) scope(s *Scope) *scope {
	if s == nil {
		return nil
	}
	out := &scope{allRooms: s.Rooms == nil || slices.Contains(s.Rooms, Any), rooms: make(map[id.RoomID]struct{}, len(s.Rooms))}
	all := s.Lists == nil || slices.Contains(s.Lists, Any)
	for i, name := range q.names {
		if all || slices.Contains(s.Lists, name) {
			out.lists.add(i)
		}
	}
	for _, room := range s.Rooms {
		out.rooms[id.RoomID(room)] = struct{}{}
	}
	return out
}

// has reports whether x is in scope.
func (s *scope) has(x *match) bool {
	if x.lists.meets(&s.lists) {
		return true
	}
	_, named := s.rooms[x.m.Room]
	return x.subscribed && (s.allRooms || named)
}
