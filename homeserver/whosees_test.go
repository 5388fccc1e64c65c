package homeserver_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
)

// A room has a life in five parts. In each, ada sends a message that is the
// part's letter, an answer to the thread that the first message began, and the
// letter as the room's name:
//
//	E  ada is alone
//	   … invites bob, kim, eve, gus, dan, ian; bans hal
//	I  some are invited
//	   bob, kim, eve, gus and ian join
//	T  they are together
//	   bob leaves, kim is kicked, eve is banned, gus leaves and forgets the
//	   room, ian leaves and is invited again
//	L  they have left; dan is still invited
//	   cyd is invited and joins
//	N  now
//
// fay has nothing to do with any of this. The tables say what each of them gets
// to see at the end, by every way that leads into the room: letters are those
// of what is shown. ! is M_FORBIDDEN, ? is M_NOT_FOUND, . is an empty answer.
//
// Spec: client-server-api#room-history-visibility

// whoSees are the tables, by the room's history visibility.
var whoSees = map[string]string{
	"world_readable": `
                  ada        cyd        bob        kim        eve        gus        ian        dan        hal        fay
messages          EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln
messages forwards EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln
followed          EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln
messages from N   EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln
event             EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN
event alone       EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN
context           EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN
context around    EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN
context's name    EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN      EITLN
thread of E       eitln      eitln      eitln      eitln      eitln      eitln      eitln      eitln      eitln      eitln
newest in thread  n          n          n          n          n          n          n          n          n          n
how many there    5          5          5          5          5          5          5          5          5          5
threads           E          E          E          E          E          E          E          E          E          E
initialSync       EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln EITLNeitln
sync              EITLNeitln EITLNeitln EITeit     EITeit     EITeit     .          .          .          .          .
sync's state      =          =          =          =          =          .          .          .          own        .
sync's receipts   N          N          .          .          .          .          .          .          .          .
invitation's name .          .          .          .          .          .          T          E          .          .
sliding sync      EITLNeitln EITLNeitln EITeit     EITeit     EITeit     .          .          .          .          .
sliding's name    N          N          T          T          T          .          .          .          .          .
sliding's members 9          9          8          8          8          .          .          .          .          .
sliding's invite  .          .          .          .          .          .          T          E          .          .
sliding's receipt N          N          .          .          .          .          .          .          .          .
state's name      N          N          T          T          T          N          T          N          N          N
name              N          N          T          T          T          N          T          N          N          N
members           2          2          5          2          1          2          3          2          2          2
members at E      1          1          1          1          1          1          1          1          1          1
members at T      6          6          6          6          6          6          6          6          6          6
members at N      2          2          5          2          1          2          3          2          2          2
joined_members    2          2          !          !          !          !          !          !          !          !
aliases           0          0          0          0          0          0          0          0          0          0
found by time     ok         ok         ok         ok         ok         ok         ok         ok         ok         ok
summary           N          N          N          N          ?          N          N          N          ?          N
hierarchy         N          N          N          N          !          N          N          N          !          N
search for ada    .          ada        ada        ada        ada        ada        ada        ada        ada        ada
profile of ada    ada        ada        ada        ada        ada        ada        ada        ada        ada        ada
presence of ada   online     online     !          !          !          !          !          !          !          !
devices of ada    1          1          0          0          0          0          1          1          0          0
rooms with ada    400        1          0          0          0          0          0          0          0          0
picture           a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat
`,
	"shared": `
                  ada        cyd        bob        kim        eve        gus        ian        dan        hal        fay
messages          EITLNeitln EITLNeitln EITeit     EITeit     EITeit     !          EITeit     !          !          !
messages forwards EITLNeitln EITLNeitln EITeit     EITeit     EITeit     !          EITeit     !          !          !
followed          EITLNeitln EITLNeitln EITeit     EITeit     EITeit     !          EITeit     !          !          !
messages from N   EITLNeitln EITLNeitln EITeit     EITeit     EITeit     !          EITeit     !          !          !
event             EITLN      EITLN      EIT        EIT        EIT        ?          EIT        ?          ?          ?
event alone       EITLN      EITLN      EIT        EIT        EIT        ?          EIT        ?          ?          ?
context           EITLN      EITLN      EIT        EIT        EIT        !          EIT        !          !          !
context around    EITLN      EITLN      EIT        EIT        EIT        !          EIT        !          !          !
context's name    EITLN      EITLN      EIT        EIT        EIT        !          EIT        !          !          !
thread of E       eitln      eitln      eit        eit        eit        ?          eit        ?          ?          ?
newest in thread  n          n          t          t          t          ?          t          ?          ?          ?
how many there    5          5          3          3          3          .          3          .          .          .
threads           E          E          E          E          E          !          E          !          !          !
initialSync       EITLNeitln EITLNeitln EITeit     EITeit     EITeit     !          EITeit     !          !          !
sync              EITLNeitln EITLNeitln EITeit     EITeit     EITeit     .          .          .          .          .
sync's state      =          =          =          =          =          .          .          .          own        .
sync's receipts   N          N          .          .          .          .          .          .          .          .
invitation's name .          .          .          .          .          .          T          E          .          .
sliding sync      EITLNeitln EITLNeitln EITeit     EITeit     EITeit     .          .          .          .          .
sliding's name    N          N          T          T          T          .          .          .          .          .
sliding's members 9          9          8          8          8          .          .          .          .          .
sliding's invite  .          .          .          .          .          .          T          E          .          .
sliding's receipt N          N          .          .          .          .          .          .          .          .
state's name      N          N          T          T          T          !          T          !          !          !
name              N          N          T          T          T          !          T          !          !          !
members           2          2          5          2          1          !          3          !          !          !
members at E      1          1          1          1          1          !          1          !          !          !
members at T      6          6          6          6          6          !          6          !          !          !
members at N      2          2          5          2          1          !          3          !          !          !
joined_members    2          2          !          !          !          !          !          !          !          !
aliases           0          0          !          !          !          !          !          !          !          !
found by time     ok         ok         ok         ok         ok         !          ok         !          !          !
summary           N          N          ?          ?          ?          ?          N          N          ?          ?
hierarchy         N          N          !          !          !          !          N          N          !          !
search for ada    .          ada        .          .          .          .          .          .          .          .
profile of ada    ada        ada        !          !          !          !          !          !          !          !
presence of ada   online     online     !          !          !          !          !          !          !          !
devices of ada    1          1          0          0          0          0          1          1          0          0
rooms with ada    400        1          0          0          0          0          0          0          0          0
picture           a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat
`,
	"invited": `
                  ada        cyd        bob        kim        eve        gus        ian        dan        hal        fay
messages          EITLNeitln Nn         ITit       ITit       ITit       !          ITit       !          !          !
messages forwards EITLNeitln Nn         ITit       ITit       ITit       !          ITit       !          !          !
followed          EITLNeitln Nn         ITit       ITit       ITit       !          ITit       !          !          !
messages from N   EITLNeitln Nn         ITit       ITit       ITit       !          ITit       !          !          !
event             EITLN      N          IT         IT         IT         ?          IT         ?          ?          ?
event alone       EITLN      N          IT         IT         IT         ?          IT         ?          ?          ?
context           EITLN      N          IT         IT         IT         !          IT         !          !          !
context around    EITLN      N          IT         IT         IT         !          IT         !          !          !
context's name    EITLN      N          IT         IT         IT         !          IT         !          !          !
thread of E       eitln      ?          ?          ?          ?          ?          ?          ?          ?          ?
newest in thread  n          ?          ?          ?          ?          ?          ?          ?          ?          ?
how many there    5          .          .          .          .          .          .          .          .          .
threads           E          .          .          .          .          !          .          !          !          !
initialSync       EITLNeitln Nn         ITit       ITit       ITit       !          ITit       !          !          !
sync              EITLNeitln Nn         ITit       ITit       ITit       .          .          .          .          .
sync's state      =          =          =          =          =          .          .          .          own        .
sync's receipts   N          N          .          .          .          .          .          .          .          .
invitation's name .          .          .          .          .          .          T          E          .          .
sliding sync      EITLNeitln Nn         ITit       ITit       ITit       .          .          .          .          .
sliding's name    N          N          T          T          T          .          .          .          .          .
sliding's members 9          9          8          8          8          .          .          .          .          .
sliding's invite  .          .          .          .          .          .          T          E          .          .
sliding's receipt N          N          .          .          .          .          .          .          .          .
state's name      N          N          T          T          T          !          T          !          !          !
name              N          N          T          T          T          !          T          !          !          !
members           2          2          5          2          1          !          3          !          !          !
members at E      1          1          1          1          1          !          1          !          !          !
members at T      6          1          6          6          6          !          6          !          !          !
members at N      2          2          5          2          1          !          3          !          !          !
joined_members    2          2          !          !          !          !          !          !          !          !
aliases           0          0          !          !          !          !          !          !          !          !
found by time     ok         ok         ok         ok         ok         !          ok         !          !          !
summary           N          N          ?          ?          ?          ?          N          N          ?          ?
hierarchy         N          N          !          !          !          !          N          N          !          !
search for ada    .          ada        .          .          .          .          .          .          .          .
profile of ada    ada        ada        !          !          !          !          !          !          !          !
presence of ada   online     online     !          !          !          !          !          !          !          !
devices of ada    1          1          0          0          0          0          1          1          0          0
rooms with ada    400        1          0          0          0          0          0          0          0          0
picture           a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat
`,
	"joined": `
                  ada        cyd        bob        kim        eve        gus        ian        dan        hal        fay
messages          EITLNeitln Nn         Tt         Tt         Tt         !          Tt         !          !          !
messages forwards EITLNeitln Nn         Tt         Tt         Tt         !          Tt         !          !          !
followed          EITLNeitln Nn         Tt         Tt         Tt         !          Tt         !          !          !
messages from N   EITLNeitln Nn         Tt         Tt         Tt         !          Tt         !          !          !
event             EITLN      N          T          T          T          ?          T          ?          ?          ?
event alone       EITLN      N          T          T          T          ?          T          ?          ?          ?
context           EITLN      N          T          T          T          !          T          !          !          !
context around    EITLN      N          T          T          T          !          T          !          !          !
context's name    EITLN      N          T          T          T          !          T          !          !          !
thread of E       eitln      ?          ?          ?          ?          ?          ?          ?          ?          ?
newest in thread  n          ?          ?          ?          ?          ?          ?          ?          ?          ?
how many there    5          .          .          .          .          .          .          .          .          .
threads           E          .          .          .          .          !          .          !          !          !
initialSync       EITLNeitln Nn         Tt         Tt         Tt         !          Tt         !          !          !
sync              EITLNeitln Nn         Tt         Tt         Tt         .          .          .          .          .
sync's state      =          =          =          =          =          .          .          .          own        .
sync's receipts   N          N          .          .          .          .          .          .          .          .
invitation's name .          .          .          .          .          .          T          E          .          .
sliding sync      EITLNeitln Nn         Tt         Tt         Tt         .          .          .          .          .
sliding's name    N          N          T          T          T          .          .          .          .          .
sliding's members 9          9          8          8          8          .          .          .          .          .
sliding's invite  .          .          .          .          .          .          T          E          .          .
sliding's receipt N          N          .          .          .          .          .          .          .          .
state's name      N          N          T          T          T          !          T          !          !          !
name              N          N          T          T          T          !          T          !          !          !
members           2          2          5          2          1          !          3          !          !          !
members at E      1          2          2          3          4          !          6          !          !          !
members at T      6          2          6          6          6          !          6          !          !          !
members at N      2          2          5          2          1          !          3          !          !          !
joined_members    2          2          !          !          !          !          !          !          !          !
aliases           0          0          !          !          !          !          !          !          !          !
found by time     ok         ok         ok         ok         ok         !          ok         !          !          !
summary           N          N          ?          ?          ?          ?          N          N          ?          ?
hierarchy         N          N          !          !          !          !          N          N          !          !
search for ada    .          ada        .          .          .          .          .          .          .          .
profile of ada    ada        ada        !          !          !          !          !          !          !          !
presence of ada   online     online     !          !          !          !          !          !          !          !
devices of ada    1          1          0          0          0          0          1          1          0          0
rooms with ada    400        1          0          0          0          0          0          0          0          0
picture           a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat      a cat
`,
}

// watchers are the people of the tables.
var watchers = []string{"ada", "cyd", "bob", "kim", "eve", "gus", "ian", "dan", "hal", "fay"}

func TestWhoSeesWhatOverHTTP(t *testing.T) {
	t.Parallel()
	opt := hstest.Options{Configure: func(c *config.Config) { c.Presence.Enabled = true }}
	for visibility, want := range whoSees {
		t.Run(visibility, func(t *testing.T) {
			t.Parallel()
			hstest.Each(t, opt, func(t *testing.T, s *hstest.Server) {
				l := live(t, s, visibility)
				l.wantTable(want)
				s.Restart() // and the same when nothing is in memory
				l.wantTable(want)
			})
		})
	}
}

// life is the room and those who look at it.
type life struct {
	*testing.T
	room   id.RoomID
	people map[string]*hstest.Client
	said   map[string]id.EventID // by letter
	tokens map[string]string     // of ada's syncs, by letter

	picture string
}

// live lets a room live its life.
func live(t *testing.T, s *hstest.Server, visibility string) *life {
	t.Helper()
	l := &life{T: t, people: map[string]*hstest.Client{}, said: map[string]id.EventID{}, tokens: map[string]string{}}
	for _, name := range watchers {
		l.people[name] = s.Client(name).In(t)
	}
	ada := l.people["ada"]
	ada.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(t, ada.User, ada.Device)})
	l.picture = ada.Upload("text/plain", "a cat")
	each := func(do func(who *hstest.Client), names ...string) {
		for _, name := range names {
			do(l.people[name])
		}
	}
	invite := func(who *hstest.Client) { ada.Invite(l.room, who) }
	join := func(who *hstest.Client) { who.Join(l.room) }
	leave := func(who *hstest.Client) { who.Leave(l.room) }

	l.room = ada.CreateRoom(hstest.Private, hstest.More{"initial_state": []any{hstest.More{
		"type": "m.room.history_visibility", "content": hstest.More{"history_visibility": visibility},
	}}})
	l.part("E")
	each(invite, "bob", "kim", "eve", "gus", "dan", "ian")
	ada.Ban(l.room, l.people["hal"])
	l.part("I")
	each(join, "bob", "kim", "eve", "gus", "ian")
	l.part("T")
	each(leave, "bob", "gus", "ian")
	ada.Kick(l.room, l.people["kim"])
	ada.Ban(l.room, l.people["eve"])
	l.people["gus"].Post(hstest.Path(v3, "rooms", l.room, "forget"), hstest.More{})
	invite(l.people["ian"])
	l.part("L")
	each(invite, "cyd")
	each(join, "cyd")
	l.part("N")
	return l
}

// part is a part of the room's life.
func (l *life) part(letter string) {
	l.Helper()
	ada := l.people["ada"]
	ada.SetState(l.room, "m.room.name", "", hstest.More{"name": letter})
	l.said[letter] = ada.Say(l.room, letter)
	ada.SayInThread(l.room, l.said["E"], strings.ToLower(letter))
	ada.Read(l.room, l.said[letter])
	ada.Sync()
	l.tokens[letter] = ada.Since
}

const letters = "EITLN"

// ways are the ways into the room, in the order of the tables.
var ways = []struct {
	name string
	look func(l *life, who *hstest.Client) string
}{
	{"messages", func(l *life, who *hstest.Client) string {
		return l.show(who, "messages?dir=b&limit=100", "chunk")
	}},
	{"messages forwards", func(l *life, who *hstest.Client) string {
		return l.show(who, "messages?dir=f&limit=100", "chunk")
	}},
	{"followed", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, v3+"/events?from=t0&timeout=0&room_id="+url.QueryEscape(string(l.room)))
		return mark(status, raw) + shown(gjson.Get(raw, "chunk"))
	}},
	{"messages from N", func(l *life, who *hstest.Client) string {
		return l.show(who, "messages?dir=b&limit=100&from="+l.tokens["N"], "chunk")
	}},
	{"event", func(l *life, who *hstest.Client) string {
		return l.eachEvent(who, func(letter string, ev id.EventID) string {
			return l.show(who, "event/"+string(ev), "@this")
		})
	}},
	{"event alone", func(l *life, who *hstest.Client) string {
		return l.eachEvent(who, func(letter string, ev id.EventID) string {
			status, raw := l.ask(who, hstest.Path(v3, "events", ev))
			return mark(status, raw) + shown(gjson.Get(raw, "@this"))
		})
	}},
	{"context", func(l *life, who *hstest.Client) string {
		return l.eachEvent(who, func(letter string, ev id.EventID) string {
			return l.show(who, "context/"+string(ev)+"?limit=0", "event")
		})
	}},
	{"context around", func(l *life, who *hstest.Client) string {
		return l.union(who, func(ev id.EventID) (int, string) {
			return l.get(who, "context/"+string(ev)+"?limit=100")
		}, "events_before", "event", "events_after")
	}},
	{"context's name", func(l *life, who *hstest.Client) string {
		return l.union(who, func(ev id.EventID) (int, string) {
			return l.get(who, "context/"+string(ev)+"?limit=0")
		}, "state")
	}},
	{"thread of E", func(l *life, who *hstest.Client) string {
		return l.showV1(who, "relations/"+string(l.said["E"])+"/m.thread?limit=100", "chunk")
	}},
	{"newest in thread", func(l *life, who *hstest.Client) string {
		return l.show(who, "event/"+string(l.said["E"]), `unsigned.m\.relations.m\.thread.latest_event`)
	}},
	{"how many there", func(l *life, who *hstest.Client) string {
		_, raw := l.get(who, "event/"+string(l.said["E"]))
		return gjson.Get(raw, `unsigned.m\.relations.m\.thread.count`).Raw
	}},
	{"threads", func(l *life, who *hstest.Client) string {
		return l.showV1(who, "threads", "chunk")
	}},
	{"initialSync", func(l *life, who *hstest.Client) string {
		return l.show(who, "initialSync?limit=100", "messages.chunk")
	}},
	{"sync", func(l *life, who *hstest.Client) string {
		return shown(l.inSync(who, "timeline", "events"))
	}},
	{"sync's state", func(l *life, who *hstest.Client) string { return l.known(who) }},
	{"sync's receipts", func(l *life, who *hstest.Client) string {
		read := l.inSync(who, "ephemeral", "events").Raw
		return l.eachEvent(who, func(letter string, ev id.EventID) string {
			if strings.Contains(read, string(ev)) {
				return letter
			}
			return ""
		})
	}},
	{"invitation's name", func(l *life, who *hstest.Client) string {
		return shown(l.inSync(who, "invite_state", "events"))
	}},
	{"sliding sync", func(l *life, who *hstest.Client) string { return shown(l.inSliding(who, "timeline")) }},
	{"sliding's name", func(l *life, who *hstest.Client) string { return shown(l.inSliding(who, "required_state")) }},
	{"sliding's members", func(l *life, who *hstest.Client) string {
		return l.inSliding(who, `required_state.#(type=="m.room.member")#`).Get("#").Raw
	}},
	{"sliding's invite", func(l *life, who *hstest.Client) string { return shown(l.inSliding(who, "invite_state")) }},
	{"sliding's receipt", func(l *life, who *hstest.Client) string {
		read := hstest.Part(l.slide(who), "extensions", "receipts", "rooms", string(l.room)).Raw
		return l.eachEvent(who, func(letter string, ev id.EventID) string {
			if strings.Contains(read, string(ev)) {
				return letter
			}
			return ""
		})
	}},
	{"state's name", func(l *life, who *hstest.Client) string { return l.show(who, "state", "@this") }},
	{"name", func(l *life, who *hstest.Client) string {
		return l.show(who, "state/m.room.name", "@this")
	}},
	{"members", func(l *life, who *hstest.Client) string { return l.count(who, "members?membership=join", "chunk") }},
	{"members at E", func(l *life, who *hstest.Client) string {
		return l.count(who, "members?membership=join&at="+l.tokens["E"], "chunk")
	}},
	{"members at T", func(l *life, who *hstest.Client) string {
		return l.count(who, "members?membership=join&at="+l.tokens["T"], "chunk")
	}},
	{"members at N", func(l *life, who *hstest.Client) string {
		return l.count(who, "members?membership=join&at="+l.tokens["N"], "chunk")
	}},
	{"joined_members", func(l *life, who *hstest.Client) string { return l.count(who, "joined_members", "joined") }},
	{"aliases", func(l *life, who *hstest.Client) string { return l.count(who, "aliases", "aliases") }},
	{"found by time", func(l *life, who *hstest.Client) string {
		var cell string
		for _, ev := range l.said {
			cell = l.near(who, ev)
		}
		return cell
	}},
	{"summary", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, hstest.Path(v1, "room_summary", l.room))
		return mark(status, raw) + gjson.Get(raw, "name").Str
	}},
	{"hierarchy", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, hstest.Path(v1, "rooms", l.room, "hierarchy"))
		return mark(status, raw) + gjson.Get(raw, "rooms.0.name").Str
	}},
	{"search for ada", func(l *life, who *hstest.Client) string {
		return who.Post(v3+"/user_directory/search", hstest.More{"search_term": "ada"}).Get("results.0.display_name").Str
	}},
	{"profile of ada", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, hstest.Path(v3, "profile", l.people["ada"].User))
		return mark(status, raw) + gjson.Get(raw, "displayname").Str
	}},
	{"presence of ada", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, hstest.Path(v3, "presence", l.people["ada"].User, "status"))
		return mark(status, raw) + gjson.Get(raw, "presence").Str
	}},
	{"devices of ada", func(l *life, who *hstest.Client) string {
		return fmt.Sprint(len(devicesOf(who, l.people["ada"].User)))
	}},
	{"rooms with ada", func(l *life, who *hstest.Client) string {
		status, raw := l.ask(who, v1+"/mutual_rooms?user_id="+url.QueryEscape(string(l.people["ada"].User)))
		return mark(status, raw) + gjson.Get(raw, "joined.#").Raw
	}},
	{"picture", func(l *life, who *hstest.Client) string { // whoever knows its address has it from a room
		return who.Download(l.picture)
	}},
}

// wantTable looks into the room in every way.
func (l *life) wantTable(want string) {
	l.Helper()
	var got strings.Builder
	fmt.Fprintf(&got, "\n%-18s", "")
	for _, name := range watchers {
		fmt.Fprintf(&got, "%-11s", name)
	}
	for _, w := range ways {
		fmt.Fprintf(&got, "\n%-18s", w.name)
		for _, name := range watchers {
			fmt.Fprintf(&got, "%-11s", cmp.Or(w.look(l, l.people[name].In(l.T)), "."))
		}
	}
	if have := trimmed(got.String()); have != trimmed(want) {
		l.Errorf("they see:%s", have)
	}
}

// trimmed is a table without space at the ends of its lines.
func trimmed(table string) string {
	lines := strings.Split(strings.Trim(table, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

// ask makes a request that may be refused.
func (l *life) ask(who *hstest.Client, path string) (int, string) {
	l.Helper()
	resp := who.Send(http.MethodGet, path, nil, nil)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || !json.Valid(raw) {
		l.Errorf("%s: %v %q", path, err, raw)
	}
	return resp.StatusCode, string(raw)
}

func (l *life) get(who *hstest.Client, path string) (int, string) {
	return l.ask(who, hstest.Path(v3, "rooms", l.room)+"/"+path)
}

// show is what a part of an answer shows of the room's life.
func (l *life) show(who *hstest.Client, path, part string) string {
	status, raw := l.get(who, path)
	return mark(status, raw) + shown(gjson.Get(raw, part))
}

func (l *life) showV1(who *hstest.Client, path, part string) string {
	status, raw := l.ask(who, hstest.Path(v1, "rooms", l.room)+"/"+path)
	return mark(status, raw) + shown(gjson.Get(raw, part))
}

// eachEvent puts together what fn shows of each event.
func (l *life) eachEvent(who *hstest.Client, fn func(string, id.EventID) string) string {
	all := map[string]bool{}
	var out string
	for _, letter := range strings.Split(letters, "") {
		cell := fn(letter, l.said[letter])
		all[cell] = true
		if strings.Contains(letters, cell) {
			out += cell
		} else if cell != "" && cell != "?" && cell != "!" {
			l.Errorf("%s: %q", letter, cell)
		}
	}
	if out == "" {
		for cell := range all {
			out += cell
		}
	}
	return out
}

// union is what parts of the answers about each event show together.
func (l *life) union(who *hstest.Client, fn func(id.EventID) (int, string), parts ...string) string {
	var seen string
	refusals := map[string]bool{}
	for _, letter := range strings.Split(letters, "") {
		status, raw := fn(l.said[letter])
		if m := mark(status, raw); m != "" {
			refusals[m] = true
			continue
		}
		for _, p := range parts {
			seen += shown(gjson.Get(raw, p))
		}
	}
	var out string
	for _, letter := range strings.Split(letters, "") {
		if strings.Contains(seen, letter) {
			out += letter
		}
	}
	if out == "" {
		for m := range refusals {
			out += m
		}
	}
	return out
}

// inSync is a part of the room in a first sync, in whichever section it is.
func (l *life) inSync(who *hstest.Client, part ...string) gjson.Result {
	who.Since = ""
	a := who.Sync(`filter={"room":{"include_leave":true,"timeline":{"limit":100}}}`)
	for _, section := range []string{"join", "invite", "knock", "leave"} {
		if room := hstest.Part(a, "rooms", section, string(l.room)); room.Exists() {
			return hstest.Part(room, part...)
		}
	}
	return gjson.Result{}
}

// slide is a first sliding sync that asks for all of the room, and looks at a
// list with everything in it.
func (l *life) slide(who *hstest.Client) gjson.Result {
	all := hstest.More{"timeline_limit": 100, "required_state": [][]string{{"*", "*"}}}
	return who.Post(unstable+"/org.matrix.simplified_msc3575/sync", hstest.More{
		"lists": hstest.More{"all": all}, "room_subscriptions": hstest.More{string(l.room): all},
		"extensions": hstest.More{"receipts": hstest.More{"enabled": true}},
	})
}

// inSliding is a part of the room in a first sliding sync.
func (l *life) inSliding(who *hstest.Client, part string) gjson.Result {
	return hstest.Part(l.slide(who), "rooms", string(l.room)).Get(part)
}

// known compares the state that a client puts together from a first sync with
// that of the room: "=" when it is the same, "own" when the client learns only
// what became of its user.
func (l *life) known(who *hstest.Client) string {
	state := map[string]string{}
	add := func(events gjson.Result) {
		for _, e := range events.Array() {
			if e.Get("state_key").Exists() {
				state[e.Get("type").Str+" "+e.Get("state_key").Str] = e.Get("event_id").Str
			}
		}
	}
	add(l.inSync(who, "state", "events"))
	add(l.inSync(who, "timeline", "events"))
	synced := maps.Clone(state)
	if len(synced) == 0 {
		return ""
	}
	clear(state)
	_, raw := l.get(who, "state")
	add(gjson.Parse(raw))
	switch {
	case maps.Equal(state, synced):
		return "="
	case len(synced) == 1 && synced["m.room.member "+string(who.User)] != "":
		return "own"
	}
	l.Errorf("%s knows %v by sync, but the state is %v", who.User, synced, state)
	return "differs"
}

// near is "ok" when what is found by the time of an event is what who may see.
func (l *life) near(who *hstest.Client, ev id.EventID) string {
	_, raw := l.get(l.people["ada"], "event/"+string(ev))
	ts := gjson.Get(raw, "origin_server_ts").Raw
	for _, dir := range []string{"f", "b"} {
		status, raw := l.ask(who, hstest.Path(v1, "rooms", l.room, "timestamp_to_event")+"?dir="+dir+"&ts="+ts)
		switch m := mark(status, raw); m {
		case "":
			status, raw = l.get(who, "event/"+gjson.Get(raw, "event_id").Str)
			if m := mark(status, raw); m != "" {
				l.Errorf("%s is told of an event that they may not see", who.User)
			}
		case "?": // nothing on this side
		default:
			return m
		}
	}
	return "ok"
}

// count is how much a part of an answer holds.
func (l *life) count(who *hstest.Client, path, part string) string {
	status, raw := l.get(who, path)
	if m := mark(status, raw); m != "" {
		return m
	}
	n := 0
	gjson.Get(raw, part).ForEach(func(_, _ gjson.Result) bool { n++; return true })
	return fmt.Sprint(n)
}

// mark stands for a refusal.
func mark(status int, raw string) string {
	switch code := gjson.Get(raw, "errcode").Str; {
	case code == "M_FORBIDDEN" && status == http.StatusForbidden:
		return "!"
	case code == "M_NOT_FOUND" && status == http.StatusNotFound:
		return "?"
	case status != http.StatusOK:
		return fmt.Sprint(status)
	}
	return ""
}

// shown are the letters that an answer shows, as messages, in a thread, as the
// room's name, or as what somebody has read, in the order of the alphabet of
// this test.
func shown(v gjson.Result) string {
	var seen []string
	var walk func(gjson.Result)
	walk = func(v gjson.Result) {
		if !v.IsObject() && !v.IsArray() {
			return
		}
		if v.Get("prev_content").Exists() || v.IsObject() && v.Get("type").Exists() {
			seen = append(seen, v.Get("content.body").Str, v.Get("content.name").Str)
			return
		}
		if v.IsObject() && v.Get("name").Exists() && len(v.Map()) == 1 {
			seen = append(seen, v.Get("name").Str)
			return
		}
		v.ForEach(func(_, inner gjson.Result) bool { walk(inner); return true })
	}
	walk(v)
	var out string
	for _, letter := range strings.Split(letters+strings.ToLower(letters), "") {
		if slices.Contains(seen, letter) {
			out += letter
		}
	}
	return out
}
