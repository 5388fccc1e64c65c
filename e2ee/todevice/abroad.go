package todevice

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/todevice"
)

const (
	// maxLetter is how many bytes of contents one message to another server
	// holds, unless one content alone has more.
	maxLetter = 48 << 10
	// maxReceived bounds the devices that one message of another server reaches.
	maxReceived = 10_000
)

// Outbox brings messages to other servers.
type Outbox interface {
	// Post lets a message wait for a server, in tx. content is that of the
	// EDU m.direct_to_device.
	Post(ctx context.Context, tx *storage.Tx, server string, content json.RawMessage) error
}

// letter is what one message to another server holds.
//
// Spec: server-server-api#mdirect_to_device
type letter struct {
	Sender    id.UserID `json:"sender"`
	Type      string    `json:"type"`
	MessageID string    `json:"message_id"`
	Messages  Messages  `json:"messages"`
}

// outgoing is a letter on its way.
type outgoing struct {
	server  string
	content json.RawMessage
}

// packAbroad writes the messages for users of other servers.
func (s *Sender) packAbroad(sender id.UserID, typ string, msgs Messages) ([]outgoing, error) {
	if s.opt.Outbox == nil {
		return nil, nil
	}
	byServer := map[string][]id.UserID{}
	for user := range msgs {
		if server := user.Homeserver(); server != "" && server != s.opt.ServerName {
			byServer[server] = append(byServer[server], user)
		}
	}
	var out []outgoing
	for server, users := range byServer {
		slices.Sort(users)
		letters, err := letters(sender, typ, users, msgs)
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			raw, err := json.Marshal(l)
			if err != nil {
				return nil, err
			}
			out = append(out, outgoing{server, raw})
		}
	}
	return out, nil
}

// letters divides the messages for users of one server.
func letters(sender id.UserID, typ string, users []id.UserID, msgs Messages) (out []letter, err error) {
	size := maxLetter
	for _, user := range users {
		for device, content := range msgs[user] {
			if err := checkContent(content); err != nil {
				return nil, err
			}
			canonical, err := event.AppendCanonical(nil, content, false)
			if err != nil {
				return nil, matrix.Errorf(matrix.BadJSON, "The content of a message cannot be sent to other servers: %v.", err)
			}
			if size += len(canonical); size >= maxLetter {
				size = len(canonical)
				out = append(out, letter{sender, typ, rand.Text(), Messages{}})
			}
			l := out[len(out)-1].Messages
			if l[user] == nil {
				l[user] = map[id.DeviceID]json.RawMessage{}
			}
			l[user][device] = canonical
		}
	}
	return out, nil
}

// checkContent refuses what is not the content of a message.
func checkContent(content json.RawMessage) error {
	if len(content) > maxContent {
		return matrix.Errorf(matrix.TooLarge, "A message to a device has at most %d bytes.", maxContent)
	}
	if !gjson.ParseBytes(content).IsObject() {
		return matrix.Errorf(matrix.BadJSON, "The content of a message is a JSON object.")
	}
	return nil
}

// Receive takes in a message of another server, once. The caller has made sure
// that origin is the sender's server.
//
// Spec: server-server-api#send-to-device-messaging
func (s *Sender) Receive(ctx context.Context, content json.RawMessage) error {
	var l letter
	if err := json.Unmarshal(content, &l); err != nil {
		return matrix.Errorf(matrix.BadJSON, "The message is not valid.")
	}
	if l.Sender == "" || len(l.Type) > 255 || len(l.MessageID) > 255 {
		return matrix.Errorf(matrix.InvalidParam, "The message has no sender, or a type or an id that is too long.")
	}
	for user := range l.Messages {
		if user.Homeserver() != s.opt.ServerName {
			delete(l.Messages, user)
		}
	}
	parcels, err := s.pack(ctx, l.Sender, l.Type, l.Messages)
	if err != nil || len(parcels) == 0 {
		return err
	}
	if len(parcels) > maxReceived {
		return matrix.Errorf(matrix.TooLarge, "A message reaches at most %d devices.", maxReceived)
	}
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		if l.MessageID != "" {
			fresh, err := todevice.Once(ctx, tx, l.Sender, "", l.MessageID, s.opt.Now().UnixMilli())
			if err != nil || !fresh {
				return err
			}
		}
		for _, parcel := range parcels {
			if err := s.queue(ctx, tx, parcel); err != nil {
				return err
			}
		}
		return nil
	})
}
