package hstest

import (
	"io"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// Kinds of rooms for CreateRoom.
const (
	Private = "private_chat"
	Trusted = "trusted_private_chat"
	Public  = "public_chat"
)

// More is further content of a request.
type More map[string]any

// CreateRoom makes a room of a kind.
func (c *Client) CreateRoom(preset string, more ...More) id.RoomID {
	c.t.Helper()
	body := More{"preset": preset}
	for _, m := range more {
		for name, value := range m {
			body[name] = value
		}
	}
	return id.RoomID(c.Post(v3+"/createRoom", body).Get("room_id").Str)
}

func roomPath(room id.RoomID, parts ...any) string {
	return Path(Path(v3, "rooms", room), parts...)
}

// Invite asks other into a room.
func (c *Client) Invite(room id.RoomID, other *Client) {
	c.t.Helper()
	c.Post(roomPath(room, "invite"), More{"user_id": other.User})
}

// Join enters a room, by its id or an alias.
func (c *Client) Join(room id.RoomID) {
	c.t.Helper()
	c.Post(Path(v3, "join", room), More{})
}

// Knock asks to be let into a room.
func (c *Client) Knock(room id.RoomID) {
	c.t.Helper()
	c.Post(Path(v3, "knock", room), More{})
}

// Leave leaves a room, or declines an invitation.
func (c *Client) Leave(room id.RoomID) {
	c.t.Helper()
	c.Post(roomPath(room, "leave"), More{})
}

// Kick removes other from a room.
func (c *Client) Kick(room id.RoomID, other *Client) {
	c.t.Helper()
	c.Post(roomPath(room, "kick"), More{"user_id": other.User})
}

// Ban keeps other out of a room.
func (c *Client) Ban(room id.RoomID, other *Client) {
	c.t.Helper()
	c.Post(roomPath(room, "ban"), More{"user_id": other.User})
}

// Unban lets other come back.
func (c *Client) Unban(room id.RoomID, other *Client) {
	c.t.Helper()
	c.Post(roomPath(room, "unban"), More{"user_id": other.User})
}

// Say sends a text message.
func (c *Client) Say(room id.RoomID, text string) id.EventID {
	c.t.Helper()
	return c.SendEvent(room, "m.room.message", More{"msgtype": "m.text", "body": text})
}

// SendEvent sends an event.
func (c *Client) SendEvent(room id.RoomID, typ string, content any) id.EventID {
	c.t.Helper()
	return id.EventID(c.Put(roomPath(room, "send", typ, c.nextTxn()), content).Get("event_id").Str)
}

// SetState sends a state event.
func (c *Client) SetState(room id.RoomID, typ, key string, content any) id.EventID {
	c.t.Helper()
	return id.EventID(c.Put(roomPath(room, "state", typ, key), content).Get("event_id").Str)
}

// State returns the content of a state event.
func (c *Client) State(room id.RoomID, typ, key string) JSON {
	c.t.Helper()
	return c.Get(roomPath(room, "state", typ, key))
}

// Redact removes the content of an event.
func (c *Client) Redact(room id.RoomID, ev id.EventID) id.EventID {
	c.t.Helper()
	return id.EventID(c.Put(roomPath(room, "redact", ev, c.nextTxn()), More{}).Get("event_id").Str)
}

// React answers an event with an emoji.
func (c *Client) React(room id.RoomID, ev id.EventID, emoji string) id.EventID {
	c.t.Helper()
	return c.SendEvent(room, "m.reaction", More{"m.relates_to": More{"rel_type": "m.annotation", "event_id": ev, "key": emoji}})
}

// Edit replaces the text of a message. It mentions nobody anew.
func (c *Client) Edit(room id.RoomID, ev id.EventID, text string) id.EventID {
	c.t.Helper()
	return c.SendEvent(room, "m.room.message", More{
		"msgtype": "m.text", "body": "* " + text, "m.mentions": More{},
		"m.new_content": More{"msgtype": "m.text", "body": text},
		"m.relates_to":  More{"rel_type": "m.replace", "event_id": ev},
	})
}

// Reply answers a message.
func (c *Client) Reply(room id.RoomID, ev id.EventID, text string) id.EventID {
	c.t.Helper()
	return c.SendEvent(room, "m.room.message", More{
		"msgtype": "m.text", "body": text,
		"m.relates_to": More{"m.in_reply_to": More{"event_id": ev}},
	})
}

// SayInThread sends a message into the thread that begins with root.
func (c *Client) SayInThread(room id.RoomID, root id.EventID, text string) id.EventID {
	c.t.Helper()
	return c.SendEvent(room, "m.room.message", More{
		"msgtype": "m.text", "body": text,
		"m.relates_to": More{"rel_type": "m.thread", "event_id": root},
	})
}

// Read marks a room as read up to an event, for everybody to see.
func (c *Client) Read(room id.RoomID, ev id.EventID) {
	c.t.Helper()
	c.Post(roomPath(room, "receipt", "m.read", ev), More{})
}

// Typing says that c types.
func (c *Client) Typing(room id.RoomID) {
	c.t.Helper()
	c.Put(roomPath(room, "typing", c.User), More{"typing": true, "timeout": 30000})
}

// Event returns an event.
func (c *Client) Event(room id.RoomID, ev id.EventID) JSON {
	c.t.Helper()
	return c.Get(roomPath(room, "event", ev))
}

// Messages returns all that c can see of a room, the newest first.
func (c *Client) Messages(room id.RoomID) []JSON {
	c.t.Helper()
	var all []JSON
	from := ""
	for {
		a := c.Get(roomPath(room, "messages") + "?dir=b&limit=50" + from)
		all = append(all, a.Get("chunk").Array()...)
		end := a.Get("end").Str
		if end == "" {
			return all
		}
		from = "&from=" + end
	}
}

// Said returns the texts of the messages that c can see of a room, in the
// order in which they were sent.
func (c *Client) Said(room id.RoomID) []string {
	c.t.Helper()
	var texts []string
	for _, ev := range c.Messages(room) {
		if text := ev.Get("content.body"); text.Exists() && ev.Get("type").Str == "m.room.message" {
			texts = append([]string{text.Str}, texts...)
		}
	}
	return texts
}

// Members returns the memberships of a room that c can see.
func (c *Client) Members(room id.RoomID) map[id.UserID]string {
	c.t.Helper()
	all := map[id.UserID]string{}
	for _, ev := range c.Get(roomPath(room, "members")).Get("chunk").Array() {
		all[id.UserID(ev.Get("state_key").Str)] = ev.Get("content.membership").Str
	}
	return all
}

// Upload stores a file and returns its mxc address.
func (c *Client) Upload(contentType, content string) string {
	c.t.Helper()
	resp := c.Send(http.MethodPost, "/_matrix/media/v3/upload", strings.NewReader(content), http.Header{"Content-Type": {contentType}})
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	uri := gjson.GetBytes(answer, "content_uri").Str
	if err != nil || uri == "" {
		c.t.Fatalf("upload: status %d with %s, %v", resp.StatusCode, answer, err)
	}
	return uri
}

// Download returns the content of a file.
func (c *Client) Download(mxc string) string {
	c.t.Helper()
	resp := c.Send(http.MethodGet, v1+"/media/download/"+strings.TrimPrefix(mxc, "mxc://"), nil, nil)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("download: status %d with %s, %v", resp.StatusCode, content, err)
	}
	return string(content)
}
