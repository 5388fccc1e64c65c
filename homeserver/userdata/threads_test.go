package userdata_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// said returns a room of ada with a message in it, and with replies to that in a
// thread.
func (w *world) said(replies int) (room id.RoomID, root id.EventID, thread []id.EventID) {
	w.Helper()
	p := matrix.Principal{User: ada, Device: "PHONE"}
	room, err := w.rooms.Create(w.Context(), p, rooms.CreateRequest{Preset: "private_chat"})
	w.must(err)
	say := func(content string) id.EventID {
		ev, err := w.rooms.Send(w.Context(), p, rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(content)})
		w.must(err)
		return ev
	}
	root = say(`{"body":"root"}`)
	for range replies {
		thread = append(thread, say(fmt.Sprintf(`{"body":"reply","m.relates_to":{"rel_type":"m.thread","event_id":%q}}`, root)))
	}
	return room, root, thread
}

func TestSubscriptionsToThreads(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		p := matrix.Principal{User: ada, Device: "PHONE"}
		room, root, replies := w.said(3)
		is := func(what, want string) {
			w.Helper()
			got := "none"
			if s, err := w.Subscription(w.Context(), p, room, root); err == nil {
				got = map[bool]string{true: "automatic", false: "manual"}[s.Automatic]
			} else if !matrix.IsCode(err, matrix.NotFound) {
				w.Error(err)
			}
			if got != want {
				w.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		is("at first", "none")
		w.must(w.Unsubscribe(w.Context(), p, room, root))
		w.refused(w.Subscribe(w.Context(), p, room, root, root), "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", 400)
		w.refused(w.Subscribe(w.Context(), p, room, replies[0], replies[1]), "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", 400)
		w.must(w.Subscribe(w.Context(), p, room, root, replies[0]))
		is("a client decided", "automatic")
		w.must(w.Subscribe(w.Context(), p, room, root, ""))
		is("and then the user", "manual")
		w.must(w.Subscribe(w.Context(), p, room, root, replies[1]))
		is("and a client again", "manual")
		w.restart()
		is("after a restart", "manual")
		w.must(w.Unsubscribe(w.Context(), p, room, root))
		is("no more", "none")
		for _, old := range replies {
			w.refused(w.Subscribe(w.Context(), p, room, root, old), "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION", 409)
		}
		w.restart()
		is("after a restart", "none")
		next, err := w.rooms.Send(w.Context(), p, rooms.Draft{
			Room: room, Type: "m.room.message", Content: json.RawMessage(fmt.Sprintf(`{"body":"new","m.relates_to":{"rel_type":"m.thread","event_id":%q}}`, root)),
		})
		w.must(err)
		w.must(w.Subscribe(w.Context(), p, room, root, next))
		is("something new", "automatic")

		// Others see nothing of the room.
		other := matrix.Principal{User: bob, Device: "PHONE"}
		w.refused(w.Subscribe(w.Context(), other, room, root, ""), matrix.NotFound, 404)
		w.refused(w.Unsubscribe(w.Context(), other, room, root), matrix.NotFound, 404)
		w.refused(w.Subscribe(w.Context(), p, room, "$none", ""), matrix.NotFound, 404)

		w.must(w.Gone(w.Context(), ada, false))
		is("the account is closed", "none")
	})
}

func TestChangesOfSubscriptions(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		p := matrix.Principal{User: ada, Device: "PHONE"}
		room, _, threads := w.said(5) // any message will do
		start := w.Now()
		for _, root := range threads {
			w.must(w.Subscribe(w.Context(), p, room, root, ""))
		}
		middle := w.Now()
		w.must(w.Unsubscribe(w.Context(), p, room, threads[2]))
		w.must(w.Unsubscribe(w.Context(), p, room, threads[0]))
		changes := func(after, upto matrix.Position, limit int) (out string, list []*userdata.Subscription) {
			w.Helper()
			list, more, err := w.SubscriptionChanges(w.Context(), ada, after, upto, limit)
			w.must(err)
			for _, s := range list {
				for i, root := range threads {
					if s.Root == root {
						out += fmt.Sprint(map[bool]string{true: "+", false: "-"}[s.Subscribed], i)
					}
				}
			}
			if more {
				out += "…"
			}
			return out, list
		}
		for range 2 {
			all, list := changes(start, w.Now(), 100)
			if all != "-0-2+4+3+1" {
				w.Errorf("changes %s", all)
			}
			if some, _ := changes(start, w.Now(), 3); some != "-0-2+4…" {
				w.Errorf("the newest: %s", some)
			}
			if rest, _ := changes(start, list[2].Pos-1, 3); rest != "+3+1" {
				w.Errorf("the rest: %s", rest)
			}
			if news, _ := changes(middle, w.Now(), 3); news != "-0-2" {
				w.Errorf("since: %s", news)
			}
			if none, _ := changes(w.Now(), w.Now(), 3); none != "" {
				w.Errorf("nothing new: %s", none)
			}
			w.restart()
		}
	})
}
