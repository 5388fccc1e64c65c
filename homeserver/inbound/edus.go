package inbound

import (
	"context"
	"encoding/json"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
)

// Hearers take in what is not an event.
type Hearers struct {
	Rooms    Rooms
	Data     *userdata.Data
	Keys     *e2ee.Keys
	ToDevice *todevice.Sender
}

// Handlers returns the handler of each type of EDU. None of them believes a
// server what it says of users who are not its own.
//
// Spec: server-server-api#edus
func (h Hearers) Handlers() map[string]EDUHandler {
	return map[string]EDUHandler{
		"m.typing":                      h.typing,
		"m.receipt":                     h.receipts,
		"m.presence":                    h.presence,
		"m.direct_to_device":            h.message,
		"m.device_list_update":          h.deviceList,
		"m.signing_key_update":          h.signingKeys,
		"org.matrix.signing_key_update": h.signingKeys,
	}
}

var (
	errContent = matrix.Errorf(matrix.BadJSON, "The content is not what the specification says.")
	errForeign = matrix.Errorf(matrix.Forbidden, "The user is not of the server that speaks.")
	errBarred  = matrix.Errorf(matrix.Forbidden, "The server may not speak in this room.")
)

// decode reads the content of an EDU.
func decode[T any](content json.RawMessage) (out T, err error) {
	if json.Unmarshal(content, &out) != nil {
		return out, errContent
	}
	return out, nil
}

// isOf reports whether a user is of a server.
func isOf(user id.UserID, server string) bool {
	_, home, err := user.Parse()
	return err == nil && home == server
}

// mayTalk refuses servers that a room's access list keeps out.
//
// Spec: server-server-api#server-access-control-lists-acls
func (h Hearers) mayTalk(ctx context.Context, room id.RoomID, server string) error {
	may, err := h.Rooms.ServerMayTalk(ctx, room, server)
	if err == nil && !may {
		err = errBarred
	}
	return err
}

// allOf calls fn with all parts of an EDU, and returns what went wrong: a
// failure of this server before a mistake of the other.
func allOf[T any](parts []T, fn func(T) error) error {
	var refused, failed error
	for _, part := range parts {
		err := fn(part)
		var refusal *matrix.Error
		if errors.As(err, &refusal) {
			refused = err
		} else {
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		return failed
	}
	return refused
}
