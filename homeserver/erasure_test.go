package homeserver_test

import (
	"slices"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// Who closes an account and wants to be forgotten is: whoever was there still
// sees what was said, whoever comes later does not.
func TestAnErasedAccount(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob, cyd := s.Client("ada"), s.Client("bob"), s.Client("cyd")
		room := bob.CreateRoom(hstest.Public)
		ada.Join(room)
		said := ada.Say(room, "I was here")
		cyd.Join(room)
		ada.Post(v3+"/account/deactivate", hstest.More{"erase": true, "auth": hstest.More{
			"type": "m.login.password", "password": hstest.Password, "identifier": hstest.More{"type": "m.id.user", "user": ada.User},
		}})
		ada.Refused(matrix.UnknownToken).Say(room, "am I?")
		cyd.Until("the erasure", func(hstest.JSON) bool { return !cyd.Event(room, said).Get("content.body").Exists() })

		for range 2 {
			if got := bob.Said(room); !slices.Equal(got, []string{"I was here"}) {
				t.Errorf("bob reads %q", got)
			}
			if got := cyd.Said(room); len(got) != 0 {
				t.Errorf("cyd reads %q", got)
			}
			cyd.Since = ""
			for _, e := range hstest.Timeline(cyd.Sync(), room) {
				if e.Get("content.body").Exists() || e.Get("content.displayname").Str == "ada" {
					t.Errorf("cyd is told %s", e)
				}
			}
			if m := bob.Members(room); m[ada.User] != "leave" {
				t.Errorf("members %v", m)
			}
			s.Restart()
		}
		cyd.Refused(matrix.UserInUse).Post(v3+"/register", hstest.More{
			"username": "ada", "password": hstest.Password, "auth": hstest.More{"type": "m.login.dummy"},
		})
	})
}
