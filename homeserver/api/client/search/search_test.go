package search_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const path = "/_matrix/client/v3/search"

type more = hstest.More

// asking is a request for what has a term.
func asking(term string, members more) more {
	asked := more{"search_term": term}
	for name, value := range members {
		asked[name] = value
	}
	return more{"search_categories": more{"room_events": asked}}
}

// find asks, and returns the part of the answer that is about events.
func find(c *hstest.Client, term string, members more, query ...string) hstest.JSON {
	return c.Post(path+strings.Join(query, ""), asking(term, members)).Get("search_categories.room_events")
}

func TestASearchTellsAllThatIsAsked(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public, more{"name": "Long"})
		bob.Join(room)
		var said []id.EventID
		for i := range 7 {
			said = append(said, []*hstest.Client{ada, bob}[i%2].Say(room, fmt.Sprintf("Message number %d", i+1)))
		}
		a := find(bob, "MESSAGE 4", more{
			"keys": []string{"content.body"}, "order_by": "recent", "include_state": true,
			"filter":        more{"limit": 1, "rooms": []id.RoomID{room}},
			"event_context": more{"before_limit": 2, "after_limit": 2, "include_profile": true},
			"groupings":     more{"group_by": []more{{"key": "room_id"}, {"key": "sender"}}},
		})
		for what, want := range map[string]string{
			"count": `1`, "highlights": `["Message","4"]`,
			"results.#":                                                 `1`,
			"results.0.result.event_id":                                 `"` + string(said[3]) + `"`,
			"results.0.result.room_id":                                  `"` + string(room) + `"`,
			"results.0.result.content.body":                             `"Message number 4"`,
			"results.0.context.events_before.#.content.body":            `["Message number 3","Message number 2"]`,
			"results.0.context.events_after.#.content.body":             `["Message number 5","Message number 6"]`,
			`results.0.context.profile_info.@ada\:one\.example`:         `{"displayname":"ada"}`,
			`results.0.context.profile_info.@bob\:one\.example`:         `{"displayname":"bob"}`,
			`groups.sender.@bob\:one\.example.results`:                  `["` + string(said[3]) + `"]`,
			"state." + string(room) + `.#(type=="m.room.name").content`: `{"name":"Long"}`,
		} {
			if got := a.Get(what).Raw; got != want {
				t.Errorf("%s is %s, want %s", what, got, want)
			}
		}
		if !a.Get("next_batch").Exists() || !hstest.Part(a, "groups", "room_id", string(room), "next_batch").Exists() {
			t.Errorf("a full page has no next: %s", a)
		}
		c := a.Get("results.0.context")
		before := ada.Get(hstest.Path("/_matrix/client/v3/rooms", room, "messages") + "?dir=b&limit=1&from=" + c.Get("start").Str)
		after := ada.Get(hstest.Path("/_matrix/client/v3/rooms", room, "messages") + "?dir=f&limit=1&from=" + c.Get("end").Str)
		if one, seven := before.Get("chunk.0.content.body").Str, after.Get("chunk.0.content.body").Str; one != "Message number 1" || seven != "Message number 7" {
			t.Errorf("beyond the context are %q and %q", one, seven)
		}
	})
}

func TestPagesOfASearch(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		kitchen, hall := ada.CreateRoom(hstest.Public), ada.CreateRoom(hstest.Public)
		bob.Join(kitchen)
		var said []id.EventID
		for i := range 20 {
			room := []id.RoomID{kitchen, hall}[i%2]
			said = append(said, ada.Say(room, fmt.Sprintf("Message number %d", i)))
		}
		members := more{"order_by": "recent", "groupings": more{"group_by": []more{{"key": "room_id"}}}}
		var got []string
		query := ""
		for _, want := range []int{10, 10, 0} {
			a := find(ada, "Message", members, query)
			if a.Get("count").Int() != 20 || a.Get("results.#").Int() != int64(want) || a.Get("next_batch").Exists() != (want > 0) {
				t.Fatalf("want %d results of 20: %s", want, a)
			}
			for _, r := range a.Get("results.#.result.event_id").Array() {
				got = append(got, r.Str)
			}
			if query == "" { // the rest of one group
				in := find(ada, "Message", members, "?next_batch="+hstest.Part(a, "groups", "room_id", string(hall), "next_batch").Str)
				if in.Get("results.#").Int() != 5 || strings.Contains(in.Get("results.#.result.room_id").Raw, string(kitchen)) {
					t.Errorf("more of a group: %s", in.Get("results.#.result.room_id"))
				}
			}
			query = "?next_batch=" + a.Get("next_batch").Str
		}
		for i, ev := range got {
			if ev != string(said[19-i]) {
				t.Errorf("result %d is not the message number %d", i, 19-i)
			}
		}
	})
}

func TestASearchCombinesWhatServersKnow(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		old := ada.CreateRoom(hstest.Public)
		bob.Join(old)
		ada.Say(old, "before the upgrade")
		gone := ada.Say(old, "an upgrade to be redacted")
		edited := ada.Say(old, "a word")
		ada.Edit(old, edited, "upgrades")
		ada.Redact(old, gone)
		next := id.RoomID(ada.Post(hstest.Path("/_matrix/client/v3/rooms", old, "upgrade"), more{"new_version": "12"}).Get("replacement_room").Str)
		ada.Say(next, "after the upgrade")
		for _, order := range []string{"rank", "recent"} {
			a := find(ada, "upgrade", more{"order_by": order})
			if a.Get("count").Int() != 3 || a.Get("results.#").Int() != 3 || strings.Contains(a.Raw, "redacted") {
				t.Errorf("%s: %s", order, a)
			}
			if text := a.Get(`results.#(result.event_id=="` + string(edited) + `").result.unsigned.m\.relations.m\.replace.content.m\.new_content.body`).Str; text != "upgrades" {
				t.Errorf("%s: the edit is not with its message: %s", order, a)
			}
		}
		bob.Put(hstest.Path("/_matrix/client/v3/user", bob.User, "account_data", "m.ignored_user_list"), more{"ignored_users": more{string(ada.User): more{}}})
		if a := find(bob, "upgrade", nil); a.Get("count").Int() != 0 || len(a.Get("results").Array()) != 0 {
			t.Errorf("bob finds whom he ignores: %s", a)
		}
		s.Restart()
		if n := find(ada, "upgrade", nil).Get("count").Int(); n != 3 {
			t.Errorf("after a restart %d are found", n)
		}
	})
}

func TestMistakesInSearches(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	for _, c := range []struct {
		code    matrix.Code
		members more
	}{
		{matrix.MissingParam, more{"search_term": nil}},
		{matrix.BadJSON, more{"search_term": 5}},
		{matrix.InvalidParam, more{"keys": []string{"content.secret"}}},
		{matrix.BadJSON, more{"keys": "content.body"}},
		{matrix.InvalidParam, more{"order_by": "size"}},
		{matrix.InvalidParam, more{"groupings": more{"group_by": []more{{"key": "type"}}}}},
		{matrix.InvalidParam, more{"event_context": more{"before_limit": -1}}},
		{matrix.BadJSON, more{"event_context": more{"after_limit": "many"}}},
		{matrix.BadJSON, more{"filter": []string{}}},
		{matrix.InvalidParam, more{"filter": more{"rooms": []string{"#alias"}}}},
	} {
		find(ada.Refused(c.code), "x", c.members)
	}
	ada.Refused(matrix.MissingParam).Post(path, more{})
	find(ada.Refused(matrix.InvalidParam), "x", nil, "?next_batch=x")
	if a := ada.Post(path, more{"search_categories": more{}}); a.Raw != `{"search_categories":{}}` {
		t.Errorf("a search for nothing: %s", a)
	}
	if a := find(ada, "…", nil); a.Raw != `{"count":0,"highlights":[],"results":[]}` {
		t.Errorf("a search without words: %s", a)
	}
	s.Nobody().Refused(matrix.MissingToken).Post(path, more{})
}

func TestAServerThatDoesNotSearch(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Search.Enabled = false }})
	ada := s.Client("ada")
	resp := ada.Send(http.MethodPost, path, strings.NewReader(`{"search_categories":{"room_events":{"search_term":"x"}}}`), nil)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
	find(ada.Refused(matrix.Forbidden), "x", nil)
}
