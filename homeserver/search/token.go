package search

import (
	"encoding/base64"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
)

// Token says where the next page begins: after a certain result, so that what
// is sent in between neither comes twice nor is missed. The server remembers
// nothing.
type Token struct {
	Score  int             `json:"s"`
	Pos    matrix.Position `json:"p"`
	Room   id.RoomID       `json:"r,omitempty"` // only results of this room
	Sender id.UserID       `json:"u,omitempty"` // only results from this user
}

// maxToken bounds a token in bytes: room and user have 255 at most.
const maxToken = 1024

// String returns the token as clients get it.
func (t Token) String() string {
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // there is nothing in it that could fail
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseToken reads a token. What is none is M_INVALID_PARAM.
func ParseToken(text string) (t Token, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	if err != nil || len(text) > maxToken {
		return Token{}, matrix.Errorf(matrix.InvalidParam, "next_batch is not from an earlier answer.")
	}
	return t, nil
}

// InRoom returns the token for results of room alone.
func (t Token) InRoom(room id.RoomID) Token {
	t.Room = room
	return t
}

// From returns the token for results from user alone.
func (t Token) From(user id.UserID) Token {
	t.Sender = user
	return t
}

// after returns the hit that the token comes after.
func (t Token) after() hit { return hit{Hit: index.Hit{Score: t.Score, Pos: t.Pos}} }
