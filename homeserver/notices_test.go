package homeserver_test

import (
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/api/admin"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const noticePath = "/_synapse/admin/v1/send_server_notice"

// administrator makes an account with the rights of one.
func administrator(t *testing.T, s *hstest.Server) *hstest.Client {
	t.Helper()
	made, err := s.Admin().CreateUser(t.Context(), admin.NewUser{Name: "root", Password: hstest.Password, Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	return s.SignIn(made.ID)
}

func TestNoticesOfTheServer(t *testing.T) {
	t.Parallel()
	// Even where everything is encrypted, these rooms are not.
	opt := hstest.Options{Configure: func(c *config.Config) { c.Rooms.Encrypt = []string{"private_chat"} }}
	hstest.Each(t, opt, func(t *testing.T, s *hstest.Server) {
		ada, root := s.Client("ada"), administrator(t, s)
		body := map[string]any{"user_id": ada.User, "content": map[string]any{"msgtype": "m.text", "body": "hello"}}
		ada.Refused(matrix.Forbidden).Post(noticePath, nil)
		said := id.EventID(root.Post(noticePath, body).Get("event_id").Str)

		sync := ada.Sync()
		var room id.RoomID
		sync.Get("rooms.invite").ForEach(func(key, v hstest.JSON) bool {
			room = id.RoomID(key.Str)
			if got := v.Get(`invite_state.events.#(type=="m.room.member").sender`).Str; got != "@notices:one.example" {
				t.Errorf("invited by %q", got)
			}
			return true
		})
		leave := hstest.Path("/_matrix/client/v3/rooms", room, "leave")
		ada.Refused(matrix.CannotLeaveServerNotice).Post(leave, nil)
		ada.Join(room)
		ada.WaitFor(room, said)
		if tag := ada.Get(hstest.Path("/_matrix/client/v3/user", ada.User, "rooms", room, "tags")); !tag.Get(`tags.m\.server_notice`).Exists() {
			t.Errorf("tags %s", tag.Raw)
		}
		ada.Refused(matrix.Forbidden).Put(hstest.Path("/_matrix/client/v3/rooms", room, "send", "m.room.message", "t"), map[string]any{"body": "hello yourself"})
		state := ada.Get(hstest.Path("/_matrix/client/v3/rooms", room, "state"))
		if state.Get(`#(type=="m.room.encryption")`).Exists() || state.Get(`#(type=="m.room.name").content.name`).Str != "Server notices" {
			t.Errorf("state %s", state.Raw)
		}

		// Whoever has left is invited again, to the same room.
		ada.Post(leave, nil)
		first := root.Put(noticePath+"/txn", body).Get("event_id").Str
		if again := root.Put(noticePath+"/txn", body).Get("event_id").Str; again != first || first == "" {
			t.Errorf("the same transaction gave %s and %s", first, again)
		}
		ada.Join(room)
		ada.WaitFor(room, id.EventID(first))

		for code, user := range map[matrix.Code]any{
			matrix.NotFound: "@nobody:one.example", matrix.InvalidParam: "@ada:two.example", matrix.MissingParam: "", matrix.BadJSON: 1,
		} {
			root.Refused(code).Post(noticePath, map[string]any{"user_id": user, "content": map[string]any{}})
		}
		root.Refused(matrix.InvalidParam).Post(noticePath, map[string]any{"user_id": "@notices:one.example", "content": map[string]any{}})
		s.Nobody().Refused(matrix.UserInUse).Post("/_matrix/client/v3/register", map[string]any{"username": "Notices", "password": hstest.Password})

		// A closed account is not held back.
		if err := s.Admin().Notify(t.Context(), admin.NewNotice{User: root.User, Text: "bye"}); err != nil {
			t.Error(err)
		}
		users, err := s.Admin().Users(t.Context(), "", 10)
		if err != nil || len(users) != 3 || !users[1].Program || users[0].Program {
			t.Errorf("accounts %+v, %v", users, err)
		}
	})
}

func TestNoticesOfAnAccountThatIsSomebodys(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Notices.Account = "system" }})
	ada, root := s.Client("ada"), administrator(t, s)
	s.Client("notices") // is free here
	root.Post(noticePath, map[string]any{"user_id": ada.User, "content": map[string]any{}})

	s = hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Notices.Account = "root" }})
	if _, err := s.Admin().CreateUser(t.Context(), admin.NewUser{Name: "root", Password: hstest.Password}); !matrix.IsCode(err, matrix.UserInUse) {
		t.Errorf("%v", err)
	}
}
