package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

func TestFirstJoin(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "")
		create := r.state.Get("m.room.create", "")
		join := func(sender, target string, prev ...id.EventID) bool {
			return r.allows(r.build(event.Draft{Room: r.id, Sender: id.UserID(sender), Type: "m.room.member", StateKey: &target, Content: []byte(`{"membership":"join"}`), Prev: prev}))
		}
		if !join(ada, ada, create.ID) {
			t.Error("the creator cannot join")
		}
		if join(bob, bob, create.ID) {
			t.Error("somebody else can join first")
		}
		if join(ada, ada, create.ID, "$x") || join(ada, ada, "$x") {
			t.Error("the creator can join later without invitation")
		}
	})
}

// Before version 11 the creator is whom the create event names.
func TestNamedCreator(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, fmt.Sprintf(`{"creator":%q}`, bob)).with("ada join", "bob join")
		named := !atLeast(version, "11")
		r.may(named, bob, "m.room.topic", `{}`, "")
		r.may(!named, ada, "m.room.topic", `{}`, "")
	})
}

// changes lists every change of membership by oneself, as it should be.
func TestOwnMembership(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		knocks, restricted, both := atLeast(version, "7"), atLeast(version, "8"), atLeast(version, "10")
		for _, rule := range []string{"public", "invite", "private", "knock", "restricted", "knock_restricted", "odd"} {
			known := rule == "public" || rule == "invite" || rule == "knock" && knocks || rule == "restricted" && restricted || rule == "knock_restricted" && both
			for _, was := range []string{"", "leave", "invite", "join", "ban", "knock"} {
				r := newRoom(t, version, "").joinRule(rule).with("ada join")
				if was != "" {
					r.with("cat " + was)
				}
				in := was == "invite" || was == "join"
				r.member(was != "ban" && known && (rule == "public" || in), "cat", "cat", "join")
				r.member(in || was == "knock" && knocks, "cat", "cat", "leave")
				knockable := rule == "knock" && knocks || rule == "knock_restricted" && both
				r.member(knockable && !in && was != "ban", "cat", "cat", "knock")
				r.member(false, "cat", "cat", "ban")
				r.member(false, "cat", "cat", "odd")
				// Somebody who is in the room could invite themselves if they were not in it.
				r.member(false, "cat", "cat", "invite")
			}
		}
	})
}

func TestNoJoinRuleMeansInvite(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		for _, r := range []*room{newRoom(t, version, ""), newRoom(t, version, "").put(ada, "m.room.join_rules", `{}`)} {
			r.with("ada join", "bob invite")
			r.member(true, "bob", "bob", "join")
			r.member(false, "cat", "cat", "join")
			r.member(false, "cat", "cat", "knock")
		}
	})
}

func TestNobodyJoinsForOthers(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").joinRule("public").with("ada join", "bob invite")
		r.member(false, "ada", "bob", "join")
		r.member(false, "ada", "cat", "join")
		r.joinRule("knock").member(false, "ada", "cat", "knock")
	})
}

func TestInvite(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		room := func() *room {
			return newRoom(t, version, "").with("ada join", "bob join", "dan invite").levels(`{"users":{"` + bob + `":10},"invite":10}`)
		}
		for was, want := range map[string]bool{"": true, "leave": true, "invite": true, "knock": true, "join": false, "ban": false} {
			r := room()
			if was != "" {
				r.with("cat " + was)
			}
			r.member(want, "bob", "cat", "invite")
		}
		r := room()
		r.member(atLeast(version, "12"), "ada", "cat", "invite") // a creator of version 12 has all power
		r.member(false, "dan", "cat", "invite")
	})
}

func TestKickAndUnban(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada leave", "bob join", "dan invite")
		levels := func(bobs, cats int) *room {
			return r.levels(fmt.Sprintf(`{"users":{%q:%d,%q:%d,%q:100},"kick":40,"ban":60}`, bob, bobs, cat, cats, dan))
		}
		for _, c := range []struct {
			was        string
			bobs, cats int
			want       bool
		}{
			{"join", 40, 39, true}, {"join", 39, 0, false}, {"join", 40, 40, false}, {"join", 40, 41, false},
			{"invite", 40, 0, true}, {"leave", 40, 0, true}, {"knock", 40, 0, true},
			{"ban", 40, 0, false}, {"ban", 59, 0, false}, {"ban", 60, 59, true},
			{"ban", 60, 60, false}, // the library allows this
		} {
			r.with("cat " + c.was)
			levels(c.bobs, c.cats).member(c.want, "bob", "cat", "leave")
		}
		r.with("cat ban").member(false, "dan", "cat", "leave")
		// Lifting a ban needs the kick level as well.
		r.levels(fmt.Sprintf(`{"users":{%q:60},"kick":70,"ban":60}`, bob)).member(false, "bob", "cat", "leave")
	})
}

func TestBan(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada leave", "bob join", "dan invite")
		for _, was := range []string{"join", "leave", "invite", "ban", "knock"} {
			r.with("cat " + was)
			r.levels(`{"users":{"` + bob + `":50,"` + dan + `":100,"` + cat + `":49},"ban":50}`)
			r.member(true, "bob", "cat", "ban")
			r.member(false, "dan", "cat", "ban")
			r.levels(`{"users":{"`+bob+`":49},"ban":50}`).member(false, "bob", "cat", "ban")
			r.levels(`{"users":{"`+bob+`":50,"`+cat+`":50},"ban":50}`).member(false, "bob", "cat", "ban")
		}
	})
}

func TestRestrictedJoin(t *testing.T) {
	t.Parallel()
	between(t, "8", "12", func(t *testing.T, version string) {
		rules := []string{"restricted"}
		if atLeast(version, "10") {
			rules = append(rules, "knock_restricted")
		}
		for _, rule := range rules {
			r := newRoom(t, version, "").joinRule(rule).with("ada leave", "bob join").levels(`{"users":{"` + bob + `":10},"invite":10}`)
			via := func(user string) string {
				return fmt.Sprintf(`{"membership":"join","join_authorised_via_users_server":%q}`, user)
			}
			r.may(true, cat, "m.room.member", via(bob), cat)
			r.may(false, cat, "m.room.member", via(ada), cat)
			r.may(false, cat, "m.room.member", via(""), cat)
			r.may(false, cat, "m.room.member", via("@eve:one.example"), cat)
			r.may(false, cat, "m.room.member", `{"membership":"join","join_authorised_via_users_server":5}`, cat)
			r.with("dan join").may(false, cat, "m.room.member", via(dan), cat) // dan may not invite
			r.with("cat invite").may(true, cat, "m.room.member", via(dan), cat)
			r.with("cat knock").may(true, cat, "m.room.member", via(bob), cat)
			r.with("cat ban").may(false, cat, "m.room.member", via(bob), cat)
		}
	})
}

func TestCreatorVouchesInVersion12(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "12", "").joinRule("restricted").with("ada join").levels(`{"invite":100}`)
	r.may(true, cat, "m.room.member", fmt.Sprintf(`{"membership":"join","join_authorised_via_users_server":%q}`, ada), cat)
}

func TestMalformedMembership(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").joinRule("public").with("ada join")
		r.may(false, cat, "m.room.member", `{}`, cat)
		r.may(false, cat, "m.room.member", `{"membership":5}`, cat)
		r.may(false, cat, "m.room.member", `{"membership":"join"}`)
	})
}

func TestThirdPartyInvite(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(message string) string {
		return base64.RawStdEncoding.EncodeToString(ed25519.Sign(private, []byte(message)))
	}
	good := sign(`{"mxid":"` + cat + `","token":"abc"}`)
	content := func(mxid, token, signature string) string {
		return fmt.Sprintf(`{"membership":"invite","third_party_invite":{"display_name":"c","signed":{"mxid":%q,"token":%q,"signatures":{"id.example":{"ed25519:0":%q}}}}}`, mxid, token, signature)
	}
	always(t, func(t *testing.T, version string) {
		for _, key := range []string{base64.RawStdEncoding.EncodeToString(public), base64.URLEncoding.EncodeToString(public)} {
			for _, form := range []string{`{"public_key":%q}`, `{"public_key":"AAAA","public_keys":[{"public_key":"x"},{"public_key":%q}]}`} {
				r := newRoom(t, version, "").with("ada join", "bob join").put(bob, "m.room.third_party_invite", fmt.Sprintf(form, key), "abc")
				r.may(true, bob, "m.room.member", content(cat, "abc", good), cat)
				r.may(false, ada, "m.room.member", content(cat, "abc", good), cat)
				r.may(false, bob, "m.room.member", content(dan, "abc", sign(`{"mxid":"`+dan+`","token":"abc"}`)), cat)
				r.may(false, bob, "m.room.member", content(dan, "abc", good), dan)
				r.may(false, bob, "m.room.member", content(cat, "xyz", sign(`{"mxid":"`+cat+`","token":"xyz"}`)), cat)
				r.may(false, bob, "m.room.member", content(cat, "abc", sign(`{}`)), cat)
				r.may(false, bob, "m.room.member", content(cat, "abc", "AAAA"), cat)
				r.may(false, bob, "m.room.member", `{"membership":"invite","third_party_invite":{}}`, cat)
				r.may(false, bob, "m.room.member", `{"membership":"invite","third_party_invite":{"signed":{"mxid":"`+cat+`"}}}`, cat)
				r.with("cat ban").may(false, bob, "m.room.member", content(cat, "abc", good), cat)
			}
		}
	})
}

func TestJoinedStateOfAnotherRoomIsNothing(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "12", "")
	if auth.Check(r.event(ada, "m.room.message", `{}`), r.state) == nil {
		t.Error("the creator sends without joining")
	}
}
