package push_test

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/internal/matrix"
)

// TestSubscribedThreads: threads that somebody has subscribed to notify, even in
// a room that is silent, and others do only when they are mentioned. Who never
// subscribed to any thread hears of all as before.
func TestSubscribedThreads(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		mention := func(room id.RoomID, root id.EventID) {
			w.say(ada, room, `{"body":"hey","m.mentions":{"user_ids":["@bob:one.example"]},"m.relates_to":{"rel_type":"m.thread","event_id":"`+string(root)+`"}}`)
		}
		room := w.room(ada, bob)
		root := w.say(ada, room, "root")
		w.relate(ada, room, "m.thread", root)
		w.want("who knows no subscriptions", bob, room, "1/0 +1/0")

		room = w.room(ada, bob)
		followed, other := w.say(ada, room, "followed"), w.say(ada, room, "other")
		w.must(w.data.Subscribe(w.Context(), as(bob), room, followed, ""))
		w.relate(ada, room, "m.thread", followed)
		w.relate(ada, room, "m.thread", other)
		w.want("subscribed", bob, room, "2/0 +1/0")
		mention(room, other)
		c := w.counts(bob, room)
		if c.Threads[followed] != (push.Count{Notifications: 1}) || c.Threads[other] != (push.Count{Notifications: 1, Highlights: 1}) {
			w.Errorf("mentioned in the other thread: %+v", c)
		}

		room = w.room(ada, bob)
		root = w.say(ada, room, "root")
		w.must(w.SetRule(w.Context(), bob, push.Room, string(room), push.NewRule{Actions: []json.RawMessage{}}, push.Place{}))
		w.must(w.data.Subscribe(w.Context(), as(bob), room, root, ""))
		w.say(ada, room, "more")
		w.relate(ada, room, "m.thread", root)
		w.want("in a silent room", bob, room, "0/0 +1/0")

		room = w.room(ada, bob)
		root = w.say(ada, room, "root")
		w.must(w.data.Subscribe(w.Context(), as(bob), room, root, ""))
		w.must(w.data.Unsubscribe(w.Context(), as(bob), room, root))
		w.relate(ada, room, "m.thread", root)
		w.want("unsubscribed", bob, room, "1/0")
	})
}

// TestNobodyMakesRulesAboutThreads: the kind is for the server alone, but its
// rules can be turned off.
func TestNobodyMakesRulesAboutThreads(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.refused(w.SetRule(w.Context(), bob, push.PostContent, "mine", push.NewRule{Actions: []json.RawMessage{}}, push.Place{}), matrix.InvalidParam)
		const unsubscribed = ".io.element.msc4306.rule.unsubscribed_thread"
		w.refused(w.DeleteRule(w.Context(), bob, push.PostContent, unsubscribed), matrix.InvalidParam)
		w.must(w.SetEnabled(w.Context(), bob, push.PostContent, unsubscribed, false))
		room := w.room(ada, bob)
		one, two := w.say(ada, room, "one"), w.say(ada, room, "two")
		w.must(w.data.Subscribe(w.Context(), as(bob), room, one, ""))
		w.relate(ada, room, "m.thread", two)
		w.want("turned off", bob, room, "2/0 +1/0")
	})
}
