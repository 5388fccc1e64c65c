package outbox_test

import (
	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

func kick(room id.RoomID, user id.UserID) rooms.MemberChange {
	return rooms.MemberChange{Room: room, User: user}
}

func joining(room id.RoomID) rooms.MemberChange { return rooms.MemberChange{Room: room} }
