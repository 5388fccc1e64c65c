package appservice_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// Whoever is invited is asked for first, so that there is somebody to join.
func TestInvitedGhostsAreAskedFor(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		b.answers["users/"+url.PathEscape(string(ghost))] = `{}`
		b.onAsk = func(string) { b.ghost(ghost) }
		room := eve.CreateRoom(hstest.Private)
		eve.Invite(room, b.as(ghost))
		b.as(ghost).Join(room)
		eve.Invite(room, b.as("@irc_nobody:one.example"))
		eve.CreateRoom(hstest.Private, hstest.More{"invite": []string{string(ghost)}}) // who is known need not be asked for
		b.mu.Lock()
		defer b.mu.Unlock()
		if want := []string{"users/@irc_ada:one.example", "users/@irc_nobody:one.example"}; !slices.Equal(b.asked, want) {
			t.Errorf("asked %q, want %q", b.asked, want)
		}
	})
}

// So is whoever's profile is looked at, by somebody with an account.
func TestProfilesOfGhostsAreAskedFor(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	file := b.registration("")
	b.one = hstest.New(t, hstest.Options{Configure: func(c *config.Config) {
		c.Bridges.Registrations, c.Privacy.Profiles = []string{file}, "anyone"
	}})
	b.answers["users/"+url.PathEscape(string(ghost))] = `{}`
	b.onAsk = func(string) { b.ghost(ghost) }
	path := hstest.Path(v3, "profile", ghost)
	b.one.Nobody().Refused(matrix.NotFound).Get(path)
	if name := b.one.Client("eve").Get(path).Get("displayname").Str; name != "irc_ada" {
		t.Errorf("the ghost is called %q", name)
	}
	if len(b.asked) != 1 {
		t.Errorf("asked %q", b.asked)
	}
}

// An alias that nobody has made is asked for, and can be joined then.
func TestAliasesAreAskedFor(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		g := b.ghost(ghost)
		b.answers["rooms/"+url.PathEscape("#irc_plenum:one.example")] = `{}`
		b.onAsk = func(string) { g.CreateRoom(hstest.Public, hstest.More{"room_alias_name": "irc_plenum"}) }
		eve.Refused(matrix.NotFound).Get(hstest.Path(v3, "directory", "room", "#irc_other:one.example"))
		eve.Refused(matrix.NotFound).Get(hstest.Path(v3, "directory", "room", "#elsewhere:one.example"))
		room := eve.Post(hstest.Path(v3, "join", "#irc_plenum:one.example"), hstest.More{}).Get("room_id").Str
		if room == "" {
			t.Error("joined nothing")
		}
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		const path = v1 + "/appservice/irc/ping"
		b.answers["ping"] = `{}`
		if took := b.as("").Post(path, hstest.More{"transaction_id": "x"}).Get("duration_ms"); !took.Exists() {
			t.Errorf("took %s", took)
		}
		b.as("").Refused(matrix.Forbidden).Post(v1+"/appservice/other/ping", hstest.More{})
		b.one.Client("eve").Refused(matrix.Forbidden).Post(path, hstest.More{})
		delete(b.answers, "ping")
		if got := status(b.as(""), http.MethodPost, path); got != http.StatusBadGateway {
			t.Errorf("a wrong answer: status %d", got)
		}
	})
}

// Networks that bridges lead to are found through them.
func TestForeignNetworks(t *testing.T) {
	t.Parallel()
	each(t, "protocols: [irc]", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		b.answers["thirdparty/protocol/irc"] = `{"user_fields":["nick"],"location_fields":[],"icon":"","field_types":{},"instances":[{"desc":"Libera","network_id":"libera","fields":{}}]}`
		b.answers["thirdparty/user/irc?nick=ada"] = `[{"userid":"@irc_ada:one.example","protocol":"irc","fields":{}}]`
		b.answers["thirdparty/user?userid="+url.QueryEscape(string(ghost))] = `[{"userid":"@irc_ada:one.example","protocol":"irc","fields":{}}]`
		b.answers["thirdparty/location?alias="+url.QueryEscape("#irc_a:one.example")] = `[{"alias":"#irc_a:one.example"}]`
		of := func(path string) string { return eve.Get(v3 + "/thirdparty/" + path).Raw }
		instance := eve.Get(v3 + "/thirdparty/protocols").Get("irc.instances.0.instance_id").Str
		if instance == "" || instance != eve.Get(v3+"/thirdparty/protocol/irc").Get("instances.0.instance_id").Str {
			t.Errorf("the network is called %q", instance)
		}
		for path, want := range map[string]string{
			"user/irc?nick=ada":                       `[{"userid":"@irc_ada:one.example","protocol":"irc","fields":{}}]`,
			"user/irc?nick=bob":                       `[]`,
			"user?userid=@irc_ada:one.example":        `[{"userid":"@irc_ada:one.example","protocol":"irc","fields":{}}]`,
			"location?alias=%23irc_a:one.example":     `[{"alias":"#irc_a:one.example"}]`,
			"location?alias=%23other:one.example":     `[]`,
			"user?userid=@somebody:elsewhere.example": `[]`,
		} {
			if got := of(path); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		eve.Refused(matrix.NotFound).Get(v3 + "/thirdparty/protocol/xmpp")
		eve.Refused(matrix.NotFound).Get(v3 + "/thirdparty/user/xmpp")

		room := b.ghost(ghost).CreateRoom(hstest.Public)
		list := hstest.Path(v3, "directory", "list", "appservice", "libera", room)
		eve.Refused(matrix.Forbidden).Put(list, hstest.More{"visibility": "public"})
		rooms := func(filter hstest.More) int { return len(eve.Post(v3+"/publicRooms", filter).Get("chunk").Array()) }
		for visibility, want := range map[string]int{"public": 1, "private": 0} {
			b.as("").Put(list, hstest.More{"visibility": visibility})
			if n := rooms(hstest.More{"third_party_instance_id": instance}); n != want {
				t.Errorf("%s: %d rooms in the network, want %d", visibility, n, want)
			}
			if n := rooms(hstest.More{"include_all_networks": true}); n != want {
				t.Errorf("%s: %d rooms everywhere, want %d", visibility, n, want)
			}
			if n := rooms(hstest.More{}); n != 0 {
				t.Errorf("%s: %d rooms in the directory of the server", visibility, n)
			}
		}
	})
}

// Without bridges, there is nothing to be found.
func TestNoNetworks(t *testing.T) {
	t.Parallel()
	one := hstest.New(t, hstest.Options{Configure: func(*config.Config) {}})
	ada := one.Client("ada")
	for path, want := range map[string]string{
		"/thirdparty/protocols": `{}`, "/thirdparty/location?alias=%23a:one.example": `[]`, "/thirdparty/user?userid=@a:one.example": `[]`,
	} {
		if got := ada.Get(v3 + path).Raw; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	one.Nobody().Refused(matrix.MissingToken).Get(v3 + "/thirdparty/protocols")
}
