package hstest

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"maunium.net/go/mautrix/id"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// Sync asks what is new, without waiting, and goes on from there next time.
func (c *Client) Sync(more ...string) JSON {
	c.t.Helper()
	return c.sync(0, more...)
}

// sync asks what is new. more are further query parameters.
func (c *Client) sync(timeout time.Duration, more ...string) JSON {
	c.t.Helper()
	query := url.Values{"timeout": {"0"}}
	if timeout > 0 {
		query.Set("timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
	}
	if c.Since != "" {
		query.Set("since", c.Since)
	}
	for _, m := range more {
		name, value, _ := strings.Cut(m, "=")
		query.Set(name, value)
	}
	a := c.Get(v3 + "/sync?" + query.Encode())
	if next := a.Get("next_batch").Str; next != "" {
		c.Since = next
	}
	return a
}

// Until syncs until an answer satisfies fn, and returns that answer. more are
// further query parameters.
func (c *Client) Until(what string, fn func(JSON) bool, more ...string) JSON {
	c.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if a := c.sync(time.Second, more...); fn(a) {
			return a
		}
	}
	c.t.Fatalf("%s: waited in vain for %s", c.User, what)
	return JSON{}
}

// WaitFor syncs until an event arrives in the timeline of a room, and returns it.
func (c *Client) WaitFor(room id.RoomID, ev id.EventID) (found JSON) {
	c.t.Helper()
	c.Until(string(ev), func(a JSON) bool {
		for _, e := range Timeline(a, room) {
			if e.Get("event_id").Str == string(ev) {
				found = e
			}
		}
		return found.Exists()
	})
	return found
}

// WaitForInvite syncs until an invitation to a room arrives, and returns what
// it tells of the room.
func (c *Client) WaitForInvite(room id.RoomID) JSON {
	c.t.Helper()
	a := c.Until("an invitation", func(a JSON) bool { return Part(a, "rooms", "invite", string(room)).Exists() })
	return Part(a, "rooms", "invite", string(room), "invite_state", "events")
}

// Timeline returns the timeline of a room that c has joined, in an answer of Sync.
func Timeline(answer JSON, room id.RoomID) []JSON {
	return Part(answer, "rooms", "join", string(room), "timeline", "events").Array()
}

// Part returns a member of an answer, whatever its names contain.
func Part(answer JSON, names ...string) JSON {
	for _, name := range names {
		var found JSON
		answer.ForEach(func(key, value JSON) bool {
			if key.Str == name {
				found = value
				return false
			}
			return true
		})
		answer = found
	}
	return answer
}
