package delayed_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const (
	v1       = "/_matrix/client/v1"
	v3       = "/_matrix/client/v3"
	unstable = "/_matrix/client/unstable/org.matrix.msc4140"

	member = "org.matrix.msc3401.call.member"
)

type more = hstest.More

func path(prefix string, parts ...any) string { return hstest.Path(prefix, parts...) }

// later is the old form of scheduling.
func later(c *hstest.Client, where string, ms int, content any) string {
	return c.Put(fmt.Sprintf("%s?org.matrix.msc4140.delay=%d", where, ms), content).Get("delay_id").Str
}

func state(room id.RoomID, typ, key string) string { return path(v3, "rooms", room, "state", typ, key) }

func send(room id.RoomID, txn string) string {
	return path(v3, "rooms", room, "send", "m.room.message", txn)
}

func text(s string) more { return more{"msgtype": "m.text", "body": s} }

// listed are the ids of what c has scheduled.
func listed(c *hstest.Client) (out []string) {
	for _, e := range c.Get(unstable + "/delayed_events").Get("delayed_events").Array() {
		out = append(out, e.Get("delay_id").Str)
	}
	return out
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: %s, want %s", what, g, w)
	}
}

// heard waits until c hears a text in a room and returns the event.
func heard(c *hstest.Client, room id.RoomID, text string) (found hstest.JSON) {
	c.Until(text, func(a hstest.JSON) bool {
		for _, e := range hstest.Timeline(a, room) {
			if e.Get("content.body").Str == text {
				found = e
			}
		}
		return found.Exists()
	})
	return found
}

// TestLeavingACall is what calls do: a client schedules that it leaves, puts
// that off, and then says "now", or loses its connection.
func TestLeavingACall(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob, sfu := s.Client("ada"), s.Client("bob"), s.Nobody()
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		key := "_" + string(bob.User) + "_PHONE_m.call"

		delay := later(bob, state(room, member, key), 3_600_000, more{})
		bob.SetState(room, member, key, more{"application": "m.call"}) // does not cancel it
		want(t, "scheduled", listed(bob), []string{delay})
		want(t, "scheduled by others", len(listed(ada)), 0)
		for range 3 {
			sfu.Post(path(unstable+"/delayed_events", delay, "restart"), more{})
		}
		sfu.Post(path(unstable+"/delayed_events", delay), more{"action": "restart"})
		one := bob.Get(path(unstable+"/delayed_events", delay))
		want(t, "its state key", one.Get("state_key").Str, key)
		want(t, "its delay", one.Get("delay_ms").Int(), 3_600_000)
		ada.Refused(matrix.NotFound).Get(path(unstable+"/delayed_events", delay))
		want(t, "in the call", bob.State(room, member, key).Get("application").Str, "m.call")

		sfu.Post(path(unstable+"/delayed_events", delay, "send"), more{})
		want(t, "left the call", bob.State(room, member, key).Raw, "{}")
		want(t, "scheduled", len(listed(bob)), 0)
		sfu.Post(path(unstable+"/delayed_events", delay, "send"), more{}) // is done
		for _, what := range []string{"cancel", "restart"} {
			sfu.Refused(matrix.NotFound).Post(path(unstable+"/delayed_events", delay, what), more{})
			bob.Refused(matrix.Unknown).Post(path(v1+"/delayed_events", delay, what), more{})
			ada.Refused(matrix.NotFound).Post(path(v1+"/delayed_events", delay, what), more{})
		}
		done := bob.Get(path(v1+"/delayed_events", delay))
		sent := bob.Event(room, id.EventID(done.Get("event_id").Str))
		want(t, "what was sent", sent.Get("state_key").Str, key)
		want(t, "finalised", done.Get("finalised_ts").Int() > 0, true)
		want(t, "its content", done.Get("content").Raw, "{}")
		want(t, "to its sender", sent.Get(`unsigned.org\.matrix\.msc4140\.delay_id`).Str, delay)
		want(t, "to others", ada.Event(room, id.EventID(sent.Get("event_id").Str)).Get(`unsigned.org\.matrix\.msc4140\.delay_id`).Exists(), false)

		// The connection is lost.
		bob.SetState(room, member, key, more{"application": "m.call"})
		ada.Sync()
		later(bob, state(room, member, key), 1, more{})
		ada.Until("bob has left the call", func(a hstest.JSON) bool {
			for _, e := range hstest.Timeline(a, room) {
				if e.Get("type").Str == member && e.Get("content").Raw == "{}" {
					return true
				}
			}
			return false
		})
	})
}

func TestMessagesAreSentLaterInOrder(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada")
		room := ada.CreateRoom(hstest.Public)
		var ids []string
		for i := range 5 {
			ids = append(ids, later(ada, send(room, fmt.Sprint(i)), 60_000+i, text(fmt.Sprint(i))))
		}
		want(t, "scheduled", listed(ada), ids)
		// The same request again, even without its body.
		resp := ada.Send(http.MethodPut, send(room, "3")+"?org.matrix.msc4140.delay=60003", nil, nil)
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want(t, "the same again", gjson.GetBytes(raw, "delay_id").Str, ids[3])
		resp = ada.Send(http.MethodPut, send(room, "x")+"?org.matrix.msc4140.delay=60003", nil, nil)
		resp.Body.Close()
		want(t, "without a body", resp.StatusCode, 400)
		resp = ada.Send(http.MethodPut, send(room, "y"), nil, nil)
		resp.Body.Close()
		want(t, "now, without a body", resp.StatusCode, 400)

		ada.Post(path(v1+"/delayed_events", ids[1], "cancel"), more{})
		ada.Post(path(v1+"/delayed_events", ids[1], "cancel"), more{})
		ada.Refused(matrix.Unknown).Post(path(v1+"/delayed_events", ids[1], "send"), more{})
		gone := ada.Get(path(v1+"/delayed_events", ids[1]))
		want(t, "cancelled", gone.Get("finalised_ts").Exists() && !gone.Get("event_id").Exists() && !gone.Get("error").Exists(), true)
		for _, i := range []int{4, 0} {
			ada.Post(path(v1+"/delayed_events", ids[i], "send"), more{})
		}
		want(t, "said", ada.Said(room), []string{"4", "0"})

		// The way that was accepted.
		ada.Sync()
		a := ada.Put(path(v3, "rooms", room, "delayed_event", "m.room.message", "t"), more{"delay_ms": 1, "content": text("new")})
		e := heard(ada, room, "new")
		want(t, "its id", e.Get("unsigned.delay_id").Str, a.Get("delay_id").Str)
		ada.Put(path(unstable, "rooms", room, "delayed_event", "m.room.topic", "u"), more{"delay_ms": 1, "state_key": "", "content": more{"topic": "later"}})
		ada.Until("the topic", func(a hstest.JSON) bool { return strings.Contains(a.Raw, `"topic":"later"`) })
	})
}

// TestARedactionComesLater: a message that destroys itself.
func TestARedactionComesLater(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	room := ada.CreateRoom(hstest.Public)
	said := ada.Say(room, "secret")
	ada.Sync()
	later(ada, path(v3, "rooms", room, "send", "m.room.redaction", "1"), 1, more{"redacts": said})
	ada.Until("the redaction", func(a hstest.JSON) bool {
		return len(hstest.Timeline(a, room)) > 0
	})
	want(t, "what is left", ada.Event(room, said).Get("content").Raw, "{}")
	// What is known of a delayed event goes with it, too.
	delay := later(ada, send(room, "2"), 60_000, text("more secrets"))
	ada.Post(path(unstable+"/delayed_events", delay, "send"), more{})
	sent := id.EventID(ada.Get(path(v1+"/delayed_events", delay)).Get("event_id").Str)
	ada.Redact(room, sent)
	want(t, "what is left", ada.Get(path(v1+"/delayed_events", delay)).Get("content").Raw, "{}")
}

// TestWhoMayIsAskedWhenItIsSent: what the sender may do then counts.
func TestWhoMayIsAskedWhenItIsSent(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		topic := later(bob, state(room, "m.room.topic", ""), 60_000, more{"topic": "bob's"})
		bob.Refused(matrix.Forbidden).Post(path(v1+"/delayed_events", topic, "send"), more{})
		want(t, "still scheduled", listed(bob), []string{topic})
		levels := ada.State(room, "m.room.power_levels", "").Value().(map[string]any)
		levels["events"].(map[string]any)["m.room.topic"] = 0
		ada.SetState(room, "m.room.power_levels", "", levels)
		bob.Post(path(v1+"/delayed_events", topic, "send"), more{})
		want(t, "topic", ada.State(room, "m.room.topic", "").Get("topic").Str, "bob's")

		// Who is not in the room any more can schedule nothing, and send nothing.
		first := later(bob, send(room, "1"), 60_000, text("one"))
		bob.Leave(room)
		bob.Refused(matrix.Forbidden).Put(send(room, "2")+"?org.matrix.msc4140.delay=1", text("two"))
		bob.Refused(matrix.Forbidden).Post(path(v1+"/delayed_events", first, "send"), more{})
		bob.Join(room)
		// What fails in its time is over, and its sender can look why.
		second := later(bob, state(room, "m.room.name", ""), 1, more{"name": "bob's"})
		for !bob.Get(path(v1+"/delayed_events", second)).Get("finalised_ts").Exists() {
		}
		want(t, "why", bob.Get(path(v1+"/delayed_events", second)).Get("error.errcode").Str, "M_FORBIDDEN")
		bob.Post(path(v1+"/delayed_events", second, "cancel"), more{})
	})
}

func TestMistakesOfClients(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Later.MaxScheduled = 2 }})
	ada, nobody := s.Client("ada"), s.Nobody()
	room := ada.CreateRoom(hstest.Public)
	one := send(room, "t") + "?org.matrix.msc4140.delay="
	for _, delay := range []string{"0", "-1", "x", "", "1.5", "9999999999999999999"} {
		ada.Refused(matrix.InvalidParam).Put(one+delay, text("x"))
	}
	ada.Refused(matrix.Forbidden).Put(one+"86400001", text("x"))
	ada.Refused(matrix.InvalidParam).Put(one+"1&org.matrix.msc4140.parent_delay_id=x", text("x"))
	ada.Refused(matrix.InvalidParam).Put(send(room, "t")+"?org.matrix.msc4354.sticky_duration_ms=3600001", text("x"))
	ada.Refused(matrix.Forbidden).Put(send("!none:one.example", "t")+"?org.matrix.msc4140.delay=1", text("x"))
	ada.Refused(matrix.TooLarge).Put(one+"1", text(strings.Repeat("x", 70_000)))
	ada.Refused(matrix.BadJSON).Put(one+"1", more{"x": 1.5})
	scheduled := path(v3, "rooms", room, "delayed_event", "m.room.message", "t")
	for _, body := range []more{{}, {"delay_ms": 1}, {"content": more{}}} {
		ada.Refused(matrix.MissingParam).Put(scheduled, body)
	}
	ada.Refused(matrix.BadJSON).Put(scheduled, more{"delay_ms": "1", "content": more{}})
	ada.Refused(matrix.BadJSON).Put(scheduled, more{"delay_ms": 1, "content": 7})
	nobody.Refused(matrix.MissingToken).Get(unstable + "/delayed_events")
	for _, what := range []string{"send", "cancel", "restart"} {
		nobody.Refused(matrix.NotFound).Post(path(unstable+"/delayed_events", "abc", what), more{})
		nobody.Refused(matrix.MissingToken).Post(path(v1+"/delayed_events", "abc", what), more{})
	}
	nobody.Refused(matrix.Unrecognized).Post(path(unstable+"/delayed_events", "abc", "oops"), more{})
	nobody.Refused(matrix.MissingParam).Post(path(unstable+"/delayed_events", "abc"), more{})
	nobody.Refused(matrix.InvalidParam).Post(path(unstable+"/delayed_events", "abc"), more{"action": "oops"})

	later(ada, send(room, "1"), 80_000, text("x"))
	last := later(ada, send(room, "2"), 90_000, text("x"))
	slow := ada.Refused(matrix.LimitExceeded).Put(send(room, "3")+"?org.matrix.msc4140.delay=1", text("x"))
	want(t, "wait", slow.Get("retry_after_ms").Int() > 60_000, true)
	ada.Post(path(unstable+"/delayed_events", last, "cancel"), more{})
	last = later(ada, send(room, "3"), 90_000, text("x"))
	for range 20 {
		nobody.Post(path(unstable+"/delayed_events", last, "restart"), more{})
	}
	refused := false
	for range 5 {
		resp := nobody.Send(http.MethodPost, path(unstable+"/delayed_events", last, "restart"), nil, nil)
		resp.Body.Close()
		refused = refused || resp.StatusCode == http.StatusTooManyRequests
	}
	want(t, "put off too often", refused, true)
}

// TestItSurvivesARestart: what was due meanwhile is sent once, and what was not
// is sent in its time.
func TestItSurvivesARestart(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada")
		room := ada.CreateRoom(hstest.Public)
		var want1 []string
		for i := range 10 {
			later(ada, send(room, fmt.Sprint(i)), 1+i, text(fmt.Sprint(i)))
			want1 = append(want1, fmt.Sprint(i))
		}
		late := later(ada, send(room, "late"), 60_000, text("late"))
		s.Restart()
		ada.Since = ""
		ada.Until("the last one", func(hstest.JSON) bool { return len(listed(ada)) == 1 })
		want(t, "said", ada.Said(room), want1)
		s.Restart()
		want(t, "said", ada.Said(room), want1)
		want(t, "still to come", listed(ada), []string{late})
		sent := 0
		for _, e := range ada.Messages(room) {
			if e.Get("unsigned.delay_id").Exists() {
				sent++
			}
		}
		want(t, "known to have been delayed", sent, 10)
	})
}

func TestWhatThereIsToFindOut(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Calls.LiveKit = []string{"https://livekit.one.example"} }})
	ada := s.Client("ada")
	limits := ada.Get(v3 + "/capabilities").Get(`capabilities.org\.matrix\.msc4140\.delayed_events`)
	want(t, "limits", limits.Raw, `{"max_delay_ms":86400000,"max_scheduled":100}`)
	features := ada.Get("/_matrix/client/versions").Get("unstable_features").Map()
	want(t, "flag", features["org.matrix.msc4140"].Bool() && features["org.matrix.msc4143"].Bool(), true)
	const transports = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
	const there = `[{"type":"livekit","livekit_service_url":"https://livekit.one.example"}]`
	want(t, "transports", ada.Get(transports).Raw, `{"rtc_transports":`+there+`}`)
	want(t, "published", ada.Get("/.well-known/matrix/client").Get(`org\.matrix\.msc4143\.rtc_foci`).Raw, there)

	none := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Later.MaxScheduled = 0 }})
	bob := none.Client("bob")
	want(t, "transports", bob.Get(transports).Raw, `{"rtc_transports":[]}`)
	features = bob.Get("/_matrix/client/versions").Get("unstable_features").Map()
	want(t, "flag", features["org.matrix.msc4140"].Bool() || features["org.matrix.msc4143"].Bool(), false)
	want(t, "published", bob.Get("/.well-known/matrix/client").Get(`org\.matrix\.msc4143\.rtc_foci`).Exists(), false)
	room := bob.CreateRoom(hstest.Public)
	bob.Refused(matrix.Forbidden).Put(send(room, "1")+"?org.matrix.msc4140.delay=1", text("x"))
}
