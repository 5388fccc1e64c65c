package homeserver_test

import (
	"testing"

	"plenum/homeserver/api/admin"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// Whoever waits for news and is signed out meanwhile is told so at once, and
// nobody else is disturbed.
func TestSignedOutWhileWaiting(t *testing.T) {
	t.Parallel()
	ways := map[string]struct {
		code   matrix.Code
		signed func(t *testing.T, s *hstest.Server, other, waiting *hstest.Client)
	}{
		"the device is deleted": {matrix.UnknownToken, func(_ *testing.T, _ *hstest.Server, other, waiting *hstest.Client) {
			other.Post(v3+"/delete_devices", hstest.More{"devices": []any{waiting.Device}, "auth": proof(other)})
		}},
		"it logs out": {matrix.UnknownToken, func(_ *testing.T, _ *hstest.Server, _, waiting *hstest.Client) {
			waiting.Post(v3+"/logout", hstest.More{})
		}},
		"the password changes": {matrix.UnknownToken, func(_ *testing.T, _ *hstest.Server, other, _ *hstest.Client) {
			other.Post(v3+"/account/password", hstest.More{"new_password": "another long one", "auth": proof(other)})
		}},
		"the account is closed": {matrix.UnknownToken, func(_ *testing.T, _ *hstest.Server, other, _ *hstest.Client) {
			other.Post(v3+"/account/deactivate", hstest.More{"auth": proof(other)})
		}},
		"the account is locked": {matrix.UserLocked, func(t *testing.T, s *hstest.Server, other, _ *hstest.Client) {
			if _, err := s.Admin().CreateUser(t.Context(), admin.NewUser{Name: "root", Password: hstest.Password, Admin: true}); err != nil {
				t.Fatal(err)
			}
			s.SignIn("@root:one.example").Put(hstest.Path(v1, "admin", "lock", other.User), hstest.More{"locked": true})
		}},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
				other := s.Client("ada")
				waiting := s.SignIn(other.User)
				bob := s.Client("bob")
				waiting.Sync()
				bob.Sync()
				pos := waiting.Post(slidingSync, hstest.More{}).Get("pos").Str

				ended := make(chan struct{}, 2)
				come := []<-chan struct{}{s.Heard(v3 + "/sync"), s.Heard(slidingSync)}
				go func() {
					waiting.Refused(way.code).Get(v3 + "/sync?timeout=60000&since=" + waiting.Since)
					ended <- struct{}{}
				}()
				go func() {
					waiting.Refused(way.code).Post(slidingSync+"?timeout=60000&pos="+pos, hstest.More{})
					ended <- struct{}{}
				}()
				for _, c := range come {
					<-c
				}
				here := s.Heard(v3 + "/sync")
				undisturbed := make(chan hstest.JSON)
				go func() { undisturbed <- bob.Get(v3 + "/sync?timeout=60000&since=" + bob.Since) }()
				<-here

				way.signed(t, s, other, waiting)
				<-ended
				<-ended
				bob.CreateRoom(hstest.Private)
				if a := <-undisturbed; !a.Get("rooms.join").Exists() {
					t.Errorf("bob is told %s", a)
				}
			})
		})
	}
}

const slidingSync = unstable + "/org.matrix.simplified_msc3575/sync"

// proof is how somebody shows that it is them.
func proof(c *hstest.Client) hstest.More {
	return hstest.More{
		"type": "m.login.password", "password": hstest.Password,
		"identifier": hstest.More{"type": "m.id.user", "user": c.User},
	}
}
