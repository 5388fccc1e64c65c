package hstest_test

import (
	"slices"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

func TestTwoPeopleTalk(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob, eve := s.Client("ada"), s.Client("bob"), s.Client("eve")
		room := ada.CreateRoom(hstest.Private, hstest.More{"name": "Kitchen"})
		bob.Refused(matrix.Forbidden).Join(room)
		ada.Invite(room, bob)
		bob.Join(room)
		ada.Say(room, "hello")
		first := bob.Say(room, "good morning")
		bob.Reply(room, first, "slept well?")

		if said, want := bob.Said(room), []string{"hello", "good morning", "slept well?"}; !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
		if name := bob.State(room, "m.room.name", "").Get("name").Str; name != "Kitchen" {
			t.Errorf("name %q", name)
		}
		if m := ada.Members(room); m[ada.User] != "join" || m[bob.User] != "join" {
			t.Errorf("members %v", m)
		}
		eve.Refused(matrix.Forbidden).Messages(room)
		eve.Refused(matrix.Forbidden).Say(room, "let me in")
	})
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		said := ada.Say(room, "before")
		picture := ada.Upload("text/plain", "a file")

		s.Restart()

		bob.Say(room, "after")
		if texts := ada.Said(room); !slices.Equal(texts, []string{"before", "after"}) {
			t.Errorf("said %q", texts)
		}
		if e := bob.Event(room, said); e.Get("sender").Str != string(ada.User) {
			t.Errorf("event %s", e)
		}
		if got := bob.Download(picture); got != "a file" {
			t.Errorf("file %q", got)
		}
		again := s.SignIn(ada.User)
		if again.Device == ada.Device {
			t.Error("a new sign-in is a new device")
		}
	})
}

func TestRedactedTextIsGone(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		said := ada.Say(room, "a slip")
		bob.Refused(matrix.Forbidden).Redact(room, said)
		ada.Redact(room, said)
		e := bob.Event(room, said)
		if e.Get("content.body").Exists() || !e.Get("unsigned.redacted_because").Exists() {
			t.Errorf("event %s", e)
		}
		if said := bob.Said(room); len(said) != 0 {
			t.Errorf("still there: %q", said)
		}
	})
}

func TestModeration(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob, eve := s.Client("ada"), s.Client("bob"), s.Client("eve")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		eve.Join(room)
		bob.Refused(matrix.Forbidden).Kick(room, eve)
		ada.Kick(room, eve)
		eve.Refused(matrix.Forbidden).Say(room, "why?")
		eve.Join(room)
		ada.Ban(room, eve)
		eve.Refused(matrix.Forbidden).Join(room)
		ada.Unban(room, eve)
		eve.Join(room)
		if m := bob.Members(room); m[eve.User] != "join" {
			t.Errorf("members %v", m)
		}
	})
}
