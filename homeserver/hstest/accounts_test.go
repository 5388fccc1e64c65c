package hstest_test

import (
	"testing"

	"plenum/config"
	"plenum/homeserver/api/admin"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const v3 = "/_matrix/client/v3"

func TestRegistrationIsClosedByDefault(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Registration.Mode = config.Default().Registration.Mode }})
	s.Nobody().Refused(matrix.Forbidden).Post(v3+"/register", hstest.More{"username": "eve", "password": hstest.Password})

	if _, err := s.Admin().CreateUser(t.Context(), admin.NewUser{Name: "ada", Password: hstest.Password}); err != nil {
		t.Fatal(err)
	}
	ada := s.SignIn("@ada:one.example")
	if who := ada.Get(v3 + "/account/whoami").Get("user_id").Str; who != "@ada:one.example" {
		t.Errorf("signed in as %q", who)
	}
}

func TestATokenOpensItsNumberOfAccounts(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{Configure: func(c *config.Config) { c.Registration.Mode = "token" }}, func(t *testing.T, s *hstest.Server) {
		uses := int64(2)
		token, err := s.Admin().CreateToken(t.Context(), admin.NewToken{UsesAllowed: &uses})
		if err != nil {
			t.Fatal(err)
		}
		register := func(who *hstest.Client, name, token string) hstest.JSON {
			body := hstest.More{"username": name, "password": hstest.Password}
			flows := s.Nobody().Challenged().Post(v3+"/register", body)
			body["auth"] = hstest.More{"type": "m.login.registration_token", "token": token, "session": flows.Get("session").Str}
			return who.Post(v3+"/register", body)
		}
		register(s.Nobody(), "ada", token.Token)
		if wrong := register(s.Nobody().Challenged(), "eve", "guessed"); wrong.Get("access_token").Exists() {
			t.Errorf("a wrong token: %s", wrong)
		}
		register(s.Nobody(), "bob", token.Token)
		if late := register(s.Nobody().Challenged(), "eve", token.Token); late.Get("access_token").Exists() {
			t.Errorf("used up: %s", late)
		}
	})
}

func TestSigningOutEndsOneDevice(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		phone := s.Client("ada")
		laptop := s.SignIn(phone.User)
		phone.Post(v3+"/logout", nil)
		phone.Refused(matrix.UnknownToken).Get(v3 + "/account/whoami")
		laptop.Get(v3 + "/account/whoami")
		s.Restart()
		phone.Refused(matrix.UnknownToken).Get(v3 + "/account/whoami")
		laptop.Post(v3+"/logout/all", nil)
		laptop.Refused(matrix.UnknownToken).Get(v3 + "/account/whoami")
	})
}

func TestAClosedAccountLeavesItsRooms(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		bob.Join(room)
		ada.Sync()
		if err := s.Admin().Deactivate(t.Context(), bob.User, admin.Deactivation{}); err != nil {
			t.Fatal(err)
		}
		bob.Refused(matrix.UnknownToken).Sync()
		ada.Until("bob to leave", func(a hstest.JSON) bool {
			for _, e := range hstest.Timeline(a, room) {
				if e.Get("state_key").Str == string(bob.User) && e.Get("content.membership").Str == "leave" {
					return true
				}
			}
			return false
		})
		s.Nobody().Refused(matrix.UserInUse).Post(v3+"/register", hstest.More{
			"username": "bob", "password": hstest.Password, "auth": hstest.More{"type": "m.login.dummy"},
		})
	})
}

func TestANewNameIsSeenInTheRoom(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob, eve := s.Client("ada"), s.Client("bob"), s.Client("eve")
		room := ada.CreateRoom(hstest.Private)
		ada.Invite(room, bob)
		bob.Join(room)
		ada.Sync()
		bob.Put(hstest.Path(v3, "profile", bob.User, "displayname"), hstest.More{"displayname": "Bob the builder"})
		ada.Until("the name", func(a hstest.JSON) bool {
			for _, e := range hstest.Timeline(a, room) {
				if e.Get("content.displayname").Str == "Bob the builder" {
					return true
				}
			}
			return false
		})
		if name := ada.Get(hstest.Path(v3, "profile", bob.User)).Get("displayname").Str; name != "Bob the builder" {
			t.Errorf("profile %q", name)
		}
		eve.Refused(matrix.Forbidden).Get(hstest.Path(v3, "profile", bob.User))
	})
}
