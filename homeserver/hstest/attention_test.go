package hstest_test

import (
	"fmt"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// unread returns the counts of a room in an initial sync.
func unread(c *hstest.Client, room id.RoomID) (notifications, highlights int64) {
	other := *c
	other.Since = ""
	counts := hstest.Part(other.Sync(), "rooms", "join", string(room), "unread_notifications")
	return counts.Get("notification_count").Int(), counts.Get("highlight_count").Int()
}

func TestUnreadCounts(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		wants := func(when string, notifications, highlights int64) {
			t.Helper()
			if n, h := unread(bob, room); n != notifications || h != highlights {
				t.Errorf("%s: %d notifications, %d highlights, want %d and %d", when, n, h, notifications, highlights)
			}
		}
		wants("at first", 0, 0)
		ada.Say(room, "one")
		mention := ada.SendEvent(room, "m.room.message", hstest.More{
			"msgtype": "m.text", "body": "Bob!", "m.mentions": hstest.More{"user_ids": []string{string(bob.User)}},
		})
		wants("after two", 2, 1)
		s.Restart()
		wants("after a restart", 2, 1)
		bob.Read(room, mention)
		wants("after reading", 0, 0)
		ada.Edit(room, mention, "Bob?")
		wants("after an edit", 0, 0)
		bob.Say(room, "what?")
		wants("after answering", 0, 0)
	})
}

func TestRepliesReactionsAndEditsCome(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		root := ada.Say(room, "tea?")
		edit := ada.Edit(room, root, "coffee?")
		reaction := bob.React(room, root, "👍")
		bob.Refused(matrix.DuplicateAnnotation).React(room, root, "👍")
		bob.SayInThread(room, root, "two cups")
		bundle := bob.Event(room, root).Get(`unsigned.m\.relations`)
		if bundle.Get(`m\.replace.event_id`).Str != string(edit) || bundle.Get(`m\.thread.count`).Int() != 1 {
			t.Errorf("bundled: %s", bundle)
		}
		related := bob.Get(hstest.Path("/_matrix/client/v1/rooms", room, "relations", root, "m.annotation"))
		if related.Get("chunk.0.event_id").Str != string(reaction) {
			t.Errorf("related: %s", related)
		}
	})
}

func TestKnockingAndBeingLetIn(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Private)
		bob.Refused(matrix.Forbidden).Knock(room)
		ada.SetState(room, "m.room.join_rules", "", hstest.More{"join_rule": "knock"})
		bob.Knock(room)
		if m := ada.Members(room); m[bob.User] != "knock" {
			t.Errorf("members %v", m)
		}
		ada.Invite(room, bob)
		bob.Join(room)
		bob.Say(room, "thanks")
	})
}

func TestAnUpgradedRoomPointsToTheNewOne(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public, hstest.More{"room_version": "10", "name": "Kitchen"})
		bob.Join(room)
		next := id.RoomID(ada.Post(hstest.Path(v3, "rooms", room, "upgrade"), hstest.More{"new_version": "12"}).Get("replacement_room").Str)
		if to := bob.State(room, "m.room.tombstone", "").Get("replacement_room").Str; to != string(next) {
			t.Errorf("the old room points to %q, want %s", to, next)
		}
		bob.Join(next)
		if name := bob.State(next, "m.room.name", "").Get("name").Str; name != "Kitchen" {
			t.Errorf("the new room is called %q", name)
		}
		bob.Refused(matrix.Forbidden).Say(room, "still here?")
	})
}

// TestNothingIsSkippedOrToldTwice has many people talk at once, in two rooms,
// while one listens with short syncs.
func TestNothingIsSkippedOrToldTwice(t *testing.T) {
	t.Parallel()
	const people, messages = 8, 12
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		listener := s.Client("listener")
		rooms := []id.RoomID{listener.CreateRoom(hstest.Public), listener.CreateRoom(hstest.Public)}
		listener.Sync()
		var talk sync.WaitGroup
		for i := range people {
			speaker := s.Client(fmt.Sprintf("speaker%d", i))
			room := rooms[i%len(rooms)]
			speaker.Join(room)
			talk.Go(func() {
				for j := range messages {
					speaker.Say(room, fmt.Sprintf("%d.%d", i, j))
				}
			})
		}
		heard := map[string]int{}
		order := map[string]int64{} // the last message of each speaker
		listener.Until("all messages", func(a hstest.JSON) bool {
			for _, room := range rooms {
				if hstest.Part(a, "rooms", "join", string(room), "timeline", "limited").Bool() {
					t.Error("a timeline with a gap: this test must listen oftener")
				}
				for _, e := range hstest.Timeline(a, room) {
					if text := e.Get("content.body").Str; text != "" {
						heard[text]++
						var who, n int64
						if _, err := fmt.Sscanf(text, "%d.%d", &who, &n); err != nil {
							t.Error(err)
						}
						if speaker := e.Get("sender").Str; n != order[speaker] {
							t.Errorf("%s: %q, want message %d", speaker, text, order[speaker])
						} else {
							order[speaker]++
						}
					}
				}
			}
			return len(heard) == people*messages
		}, `filter={"room":{"timeline":{"limit":1000}}}`)
		talk.Wait()
		for text, n := range heard {
			if n != 1 {
				t.Errorf("%q was told %d times", text, n)
			}
		}
	})
}

func TestTheSameTokenGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		bob.Sync()
		since := bob.Since
		ada.Say(room, "hello")
		ada.SetState(room, "m.room.topic", "", hstest.More{"topic": "tea"})
		first := hstest.Part(bob.Sync(), "rooms", "join", string(room), "timeline")
		bob.Since = since
		if second := hstest.Part(bob.Sync(), "rooms", "join", string(room), "timeline"); len(second.Get("events").Array()) != 2 || ids(second) != ids(first) {
			t.Errorf("first %s\nthen %s", first, second)
		}
	})
}

// ids lists the events of a timeline.
func ids(timeline hstest.JSON) string {
	return timeline.Get("events.#.event_id").Raw
}
