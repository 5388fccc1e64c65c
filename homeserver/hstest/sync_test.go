package hstest_test

import (
	"testing"

	"plenum/homeserver/hstest"
)

func TestNewsArriveOnce(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		bob.Sync()
		room := ada.CreateRoom(hstest.Private, hstest.More{"name": "Kitchen"})
		ada.Invite(room, bob)
		if stripped := bob.WaitForInvite(room); !stripped.Exists() {
			t.Error("the invitation says nothing of the room")
		}
		bob.Join(room)
		said := ada.Say(room, "hello")
		bob.WaitFor(room, said)
		if again := hstest.Timeline(bob.Sync(), room); len(again) != 0 {
			t.Errorf("told twice: %v", again)
		}
		s.Restart()
		after := ada.Say(room, "and again")
		bob.WaitFor(room, after)
	})
}

func TestReceiptsAndTyping(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		said := ada.Say(room, "are you there?")
		ada.Sync()
		bob.Read(room, said)
		ephemeral := func(typ string) func(hstest.JSON) bool {
			return func(a hstest.JSON) bool {
				for _, e := range hstest.Part(a, "rooms", "join", string(room), "ephemeral", "events").Array() {
					if e.Get("type").Str == typ {
						return true
					}
				}
				return false
			}
		}
		ada.Until("a receipt", ephemeral("m.receipt"))
		bob.Typing(room)
		ada.Until("typing", ephemeral("m.typing"))
	})
}

func TestStoppingAnswersWhoWaits(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	ada.Sync()
	answered := make(chan hstest.JSON)
	waiting := s.Heard("/_matrix/client/v3/sync")
	go func() { answered <- ada.Sync("timeout=600000") }()
	<-waiting
	s.Stop()
	if next := (<-answered).Get("next_batch").Str; next == "" {
		t.Error("the answer has no next_batch")
	}
}
