package homeserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// Who asks for everything to go leaves nothing behind: no words, no files, no
// name, not even for those who were there.
func TestAnAccountThatTakesEverythingBack(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room, gone := bob.CreateRoom(hstest.Public), bob.CreateRoom(hstest.Public)
		ada.Join(room)
		ada.Join(gone)
		said := []id.EventID{ada.Say(room, "bananas are blue"), ada.Say(room, "and so are plums")}
		kept := bob.Say(room, "bananas are yellow")
		elsewhere := ada.Say(gone, "bananas once more")
		ada.Post(hstest.Path(v3+"/rooms", gone, "leave"), nil)
		file := upload(t, ada, "a file")
		ada.Put(hstest.Path(v3+"/profile", ada.User, "displayname"), hstest.More{"displayname": "Countess"})

		ada.Post(v3+"/account/deactivate", hstest.More{"erase": true, "plenum.redact": true, "auth": hstest.More{
			"type": "m.login.password", "password": hstest.Password, "identifier": hstest.More{"type": "m.id.user", "user": ada.User},
		}})
		s.Restart() // whatever it was at
		bob.Until("the end", func(hstest.JSON) bool { return bob.Members(room)[ada.User] == "leave" })
		for _, ev := range said {
			if e := bob.Event(room, ev); e.Get("content.body").Exists() || !e.Get("unsigned.redacted_because").Exists() {
				t.Errorf("bob still reads %s", e)
			}
		}
		if e := bob.Event(room, kept); !e.Get("content.body").Exists() {
			t.Errorf("bob's own words are gone: %s", e)
		}
		if e := bob.Event(gone, elsewhere); !e.Get("content.body").Exists() {
			t.Errorf("a room that was left before is as it was: %s", e)
		}
		bob.Until("the files", func(hstest.JSON) bool {
			resp := bob.Send(http.MethodGet, "/_matrix/client/v1/media/download/"+file, nil, nil)
			resp.Body.Close()
			return resp.StatusCode == http.StatusNotFound
		})
		found := bob.Post(v3+"/search", hstest.More{"search_categories": hstest.More{"room_events": hstest.More{"search_term": "bananas"}}})
		if n := found.Get("search_categories.room_events.results.#").Int(); n != 1 {
			t.Errorf("found %d messages: %s", n, found)
		}
		bob.Refused(matrix.Forbidden).Get(hstest.Path(v3+"/profile", ada.User))
	})
}

// upload returns the path part of the address of a new file.
func upload(t *testing.T, c *hstest.Client, content string) string {
	t.Helper()
	resp := c.Send(http.MethodPost, "/_matrix/media/v3/upload", strings.NewReader(content), http.Header{"Content-Type": {"text/plain"}})
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(gjson.GetBytes(raw, "content_uri").Str, "mxc://")
}
