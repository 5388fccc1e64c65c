package userdata_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestAccountData(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada)
		w.set(ada, "", "org.example.colour", `{"colour": "green"}`)
		w.set(ada, room, "org.example.colour", `{"colour": "red"}`)
		for range 2 { // before and after a restart
			if got := w.datum(ada, "", "org.example.colour"); got != `{"colour":"green"}` {
				w.Errorf("global: %s", got)
			}
			if got := w.datum(ada, room, "org.example.colour"); got != `{"colour":"red"}` {
				w.Errorf("of the room: %s", got)
			}
			if got := w.datum(bob, "", "org.example.colour"); got != "" {
				w.Errorf("somebody else has %s", got)
			}
			if got := w.datum(ada, "", "org.example.other"); got != "" {
				w.Errorf("never set: %s", got)
			}
			w.restart()
		}
	})
}

func TestAccountDataChanges(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.set(ada, "", "a", `{"n":1}`)
		w.set(ada, "", "b", `{"n":1}`)
		before := w.db.Committed()
		if got := w.changes(ada, before); got != nil {
			w.Errorf("nothing happened, but %q", got)
		}
		w.set(bob, "", "a", `{"n":1}`)
		w.set(ada, "", "a", `{"n":1}`) // the same again is no change
		if got := w.changes(ada, before); got != nil {
			w.Errorf("nothing happened to her, but %q", got)
		}
		w.set(ada, "", "a", `{"n":2}`)
		w.set(ada, "!r", "c", `{"n":3}`)
		middle := w.db.Committed()
		w.set(ada, "", "a", `{"n":4}`)
		for range 2 { // positions are the same after a restart
			if got := w.changes(ada, before); !slices.Equal(got, []string{`!r/c {"n":3}`, `/a {"n":4}`}) {
				w.Errorf("since before: %q", got)
			}
			if got := w.changes(ada, middle); !slices.Equal(got, []string{`/a {"n":4}`}) {
				w.Errorf("since the middle: %q", got)
			}
			if got := w.changes(ada, 0); !slices.Equal(got, []string{`/b {"n":1}`, `!r/c {"n":3}`, `/a {"n":4}`}) {
				w.Errorf("from the beginning: %q", got)
			}
			data, err := w.AccountDataChanges(w.Context(), ada, before, middle)
			w.must(err)
			if len(data) != 1 || data[0].Type != "c" {
				w.Errorf("up to the middle: %v", data)
			}
			w.restart()
		}
	})
}

func TestDeletedAccountData(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.set(ada, "", "never", `{}`)
		if got := w.changes(ada, 1); got != nil {
			w.Errorf("deleting nothing is no change: %q", got)
		}
		w.set(ada, "", "a", `{"n":1}`)
		before := w.db.Committed()
		w.set(ada, "", "a", ` { } `)
		for range 2 {
			if got := w.datum(ada, "", "a"); got != "" {
				w.Errorf("still there: %s", got)
			}
			if got := w.changes(ada, before); !slices.Equal(got, []string{`/a {}`}) {
				w.Errorf("other devices hear %q", got)
			}
			if got := w.changes(ada, 0); got != nil {
				w.Errorf("a new device hears %q", got)
			}
			w.restart()
		}
		w.set(ada, "", "a", `{"n":2}`)
		if got := w.datum(ada, "", "a"); got != `{"n":2}` {
			w.Errorf("set again: %q", got)
		}
	})
}

func TestAccountDataThatIsRefused(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), userdata.Options{MaxAccountData: 2})
	set := func(room, typ, content string) error {
		return w.SetAccountData(w.Context(), ada, id.RoomID(room), typ, json.RawMessage(content))
	}
	for _, room := range []string{"", "!r"} {
		w.refused(set(room, "m.fully_read", `{"event_id":"$a"}`), matrix.BadJSON, 405)
		w.refused(set(room, "m.push_rules", `{"global":{}}`), matrix.BadJSON, 405)
	}
	w.refused(set("room", "a", `{"a":1}`), matrix.InvalidParam, 400)
	w.refused(set("", strings.Repeat("a", 256), `{"a":1}`), matrix.InvalidParam, 400)
	w.refused(set("", "a", `[]`), matrix.BadJSON, 400)
	w.refused(set("", "a", `{"a":"`+strings.Repeat("a", 256<<10)+`"}`), matrix.TooLarge, 413)
	w.must(set("", "a", `{"a":1}`))
	w.must(set("", "b", `{"a":1}`))
	w.refused(set("", "c", `{"a":1}`), matrix.ResourceLimitExceeded, 403)
	w.must(set("", "b", `{"a":2}`))
}

func TestPushRulesOfWhoNeverChangedThem(t *testing.T) {
	t.Parallel()
	rules := func(user id.UserID) json.RawMessage { return json.RawMessage(`{"global":"` + user + `"}`) }
	w := open(t, storagetest.Open(t, storage.SQLite), userdata.Options{PushRules: rules})
	if got := w.datum(ada, "", "m.push_rules"); got != `{"global":"@ada:one.example"}` {
		t.Errorf("rules %s", got)
	}
	if got := w.changes(ada, 0); !slices.Equal(got, []string{`/m.push_rules {"global":"@ada:one.example"}`}) {
		t.Errorf("a new device hears %q", got)
	}
	w.must(w.UpdateAccountData(w.Context(), ada, "", "m.push_rules", func(json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(`{"global":"own"}`), nil
	}))
	if got := w.changes(ada, 0); !slices.Equal(got, []string{`/m.push_rules {"global":"own"}`}) {
		t.Errorf("with rules of her own, a new device hears %q", got)
	}
}

func TestConcurrentUpdatesAllCount(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if err := w.SetTag(w.Context(), ada, "!r", fmt.Sprintf("u.%d", i), json.RawMessage(`{}`)); err != nil {
					w.Error(err)
				}
			})
		}
		all.Wait()
		var got struct{ Tags map[string]any }
		w.must(json.Unmarshal([]byte(w.datum(ada, "!r", "m.tag")), &got))
		if len(got.Tags) != 20 {
			w.Errorf("%d tags, want 20", len(got.Tags))
		}
	})
}

func TestMoreUsersThanMemory(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.opt = userdata.Options{UsersInMemory: 1}
		w.restart()
		w.set(ada, "", "a", `{"n":1}`)
		w.set(bob, "", "a", `{"n":2}`)
		w.datum(ada, "", "a")
		before := w.db.Committed()
		w.set(bob, "", "a", `{"n":3}`)
		if got := w.changes(ada, before); got != nil {
			w.Errorf("ada: %q", got)
		}
		if got := w.changes(bob, before); !slices.Equal(got, []string{`/a {"n":3}`}) {
			w.Errorf("bob: %q", got)
		}
	})
}

func TestIgnoredUsers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ignores := func() userdata.Users {
			users, err := w.Ignores(w.Context(), ada)
			w.must(err)
			return users
		}
		if ignores().Has(bob) {
			w.Error("ignores somebody from the start")
		}
		w.set(ada, "", "m.ignored_user_list", `{"ignored_users":{"@bob:one.example":{}}}`)
		for range 2 {
			if now := ignores(); !now.Has(bob) || now.Has(eve) {
				w.Errorf("ignores %v", now)
			}
			w.restart()
		}
		for _, nothing := range []string{`{"ignored_users":["@bob:one.example"]}`, `{"ignored_users":7}`, `{}`} {
			w.set(ada, "", "m.ignored_user_list", nothing)
			if now := ignores(); now.Has(bob) {
				w.Errorf("after %s ignores %v", nothing, now)
			}
		}
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		tags := func() string {
			content, err := w.Tags(ctx, ada, "!r")
			w.must(err)
			return string(content)
		}
		if got := tags(); got != `{"tags":{}}` {
			w.Errorf("at first %s", got)
		}
		w.must(w.DeleteTag(ctx, ada, "!r", "u.none"))
		w.must(w.SetTag(ctx, ada, "!r", "m.favourite", json.RawMessage(`{"order":0.25}`)))
		w.must(w.SetTag(ctx, ada, "!r", "u.old", json.RawMessage(`{}`)))
		w.must(w.SetTag(ctx, ada, "!r", "u.old", json.RawMessage(`{"order":1,"x":"y"}`)))
		if got := tags(); got != `{"tags":{"m.favourite":{"order":0.25},"u.old":{"order":1,"x":"y"}}}` {
			w.Errorf("with two %s", got)
		}
		before := w.db.Committed()
		w.must(w.DeleteTag(ctx, ada, "!r", "u.old"))
		if got := w.changes(ada, before); !slices.Equal(got, []string{`!r/m.tag {"tags":{"m.favourite":{"order":0.25}}}`}) {
			w.Errorf("other devices hear %q", got)
		}
		for _, order := range []string{"-0.1", "1.1", `"0.5"`, "true", "[]", "1e999"} {
			w.refused(w.SetTag(ctx, ada, "!r", "u.x", json.RawMessage(`{"order":`+order+`}`)), matrix.BadJSON, 400)
		}
		w.refused(w.SetTag(ctx, ada, "!r", strings.Repeat("u", 256), json.RawMessage(`{}`)), matrix.InvalidParam, 400)
		w.refused(w.SetTag(ctx, ada, "", "u.x", json.RawMessage(`{}`)), matrix.InvalidParam, 400)
		w.set(ada, "!r", "m.tag", `{"tags":"nonsense"}`)
		if got := tags(); got != `{"tags":{}}` {
			w.Errorf("of nonsense %s", got)
		}
		for i := range 100 {
			w.must(w.SetTag(ctx, ada, "!r", fmt.Sprint("u.", i), json.RawMessage(`{}`)))
		}
		w.refused(w.SetTag(ctx, ada, "!r", "u.x", json.RawMessage(`{}`)), matrix.ResourceLimitExceeded, 403)
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		add := func(user id.UserID, definition string) string {
			name, err := w.AddFilter(ctx, user, json.RawMessage(definition))
			w.must(err)
			return name
		}
		one := add(ada, `{"room": {"timeline": {"limit": 10, "types": ["<m>"]}}, "event_format": "client"}`)
		same := add(ada, `{"event_format":"client","room":{"timeline":{"types":["<m>"],"limit":10}}}`)
		other := add(ada, `{"room":{"timeline":{"limit":11}}}`)
		if one != same || one == other || one[0] == '{' {
			w.Errorf("ids %q, %q, %q", one, same, other)
		}
		for range 2 {
			got, err := w.Filter(ctx, ada, one)
			w.must(err)
			if string(got) != `{"event_format":"client","room":{"timeline":{"limit":10,"types":["<m>"]}}}` {
				w.Errorf("filter %s", got)
			}
			w.restart()
		}
		for _, unknown := range []string{"7", "x", "", "99999999999999999999"} {
			_, err := w.Filter(ctx, ada, unknown)
			w.refused(err, matrix.NotFound, 404)
		}
		_, err := w.Filter(ctx, bob, one)
		w.refused(err, matrix.NotFound, 404)
		_, err = w.AddFilter(ctx, ada, json.RawMessage(`{"room":{"timeline":{"limit":"x"}}}`))
		w.refused(err, matrix.BadJSON, 400)
	})
}

func TestTooManyFilters(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.opt.MaxFilters = 2
		w.restart()
		var names []string
		for i := range 3 {
			name, err := w.AddFilter(w.Context(), ada, fmt.Appendf(nil, `{"room":{"timeline":{"limit":%d}}}`, i+1))
			w.must(err)
			names = append(names, name)
		}
		_, err := w.Filter(w.Context(), ada, names[0])
		w.refused(err, matrix.NotFound, 404)
		for _, name := range names[1:] {
			_, err := w.Filter(w.Context(), ada, name)
			w.must(err)
		}
	})
}

func TestTagsMoveToTheNewVersionOfARoom(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		stop := w.run()
		defer stop()
		old := w.room(ada, bob)
		for _, user := range []id.UserID{ada, bob} {
			w.must(w.SetTag(w.Context(), user, old, "m.favourite", json.RawMessage(`{}`)))
		}
		heard := w.db.Bus().Subscribe(rooms.UserTopic(ada), rooms.UserTopic(bob))
		defer heard.Close()
		next, err := w.rooms.Upgrade(w.Context(), as(ada), old, "12", nil)
		w.must(err)
		w.join(bob, next)
		for w.datum(ada, next, "m.tag") == "" || w.datum(bob, next, "m.tag") == "" {
			<-heard.C()
		}
		if got := w.datum(bob, next, "m.tag"); got != `{"tags":{"m.favourite":{}}}` {
			w.Errorf("tags of the new room: %s", got)
		}
	})
}

func TestAnAccountIsClosed(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		said := w.say(ada, room, `{"body":"x"}`)
		for _, user := range []id.UserID{ada, bob} {
			w.set(user, "", "a", `{"n":1}`)
			w.must(w.SetReceipt(w.Context(), as(user), room, userdata.Read, said, ""))
			_, err := w.AddFilter(w.Context(), user, json.RawMessage(`{}`))
			w.must(err)
		}
		w.must(w.Gone(w.Context(), bob, true))
		w.must(w.Gone(w.Context(), bob, true)) // again, after a crash
		for range 2 {
			if got := w.datum(bob, "", "a"); got != "" {
				w.Errorf("his account data: %s", got)
			}
			if got := w.receipts(ada, room, 0); !slices.Equal(got, []string{"@ada m.read " + string(said)}) {
				w.Errorf("receipts: %q", got)
			}
			_, err := w.Filter(w.Context(), bob, "1")
			w.refused(err, matrix.NotFound, 404)
			if got := w.datum(ada, "", "a"); got == "" {
				w.Error("her account data is gone too")
			}
			w.restart()
		}
	})
}

func TestADeviceIsSignedOut(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		for _, typ := range []string{"m.local_notification_settings.PHONE", "org.matrix.msc3890.local_notification_settings.PHONE", "m.local_notification_settings.PAD"} {
			w.set(ada, "", typ, `{"is_silenced":true}`)
		}
		w.must(w.db.Write(w.Context(), func(tx *storage.Tx) error {
			return w.DevicesGone(w.Context(), tx, ada, []id.DeviceID{"PHONE"})
		}))
		if got := w.changes(ada, 0); !slices.Equal(got, []string{`/m.local_notification_settings.PAD {"is_silenced":true}`}) {
			w.Errorf("what is left: %q", got)
		}
	})
}
