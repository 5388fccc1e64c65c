package push_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/internal/matrix"
)

// notified returns the texts of all notifications of a user, in pages of
// limit; those that were read in brackets.
func (w *world) notified(user id.UserID, limit int, highlights bool) string {
	w.Helper()
	var texts []string
	page := push.NotificationPage{Limit: limit, Highlights: highlights}
	for {
		list, next, err := w.Notifications(w.Context(), as(user), page)
		w.must(err)
		if len(list) > limit && limit > 0 {
			w.Errorf("%d notifications, asked for %d", len(list), limit)
		}
		for _, n := range list {
			text := gjson.GetBytes(n.Event, "content.body").Str
			if n.Read {
				text = "(" + text + ")"
			}
			texts = append(texts, text)
		}
		if next == "" {
			return strings.Join(texts, " ")
		}
		page.From = next
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		one := w.room(ada)
		w.say(ada, one, "before")
		w.join(bob, one)
		two := w.room(ada, bob)
		w.say(ada, one, "a")
		b := w.say(ada, two, "b")
		w.say(ada, one, "bob!")
		w.say(bob, one, "own")
		w.say(ada, two, `{"msgtype":"m.notice","body":"notice"}`)
		w.read(bob, two, b, "")
		w.say(ada, two, "c")
		for _, limit := range []int{0, 1, 2, 3} {
			if got := w.notified(bob, limit, false); got != "c bob! (b) a before" {
				w.Errorf("in pages of %d: %s", limit, got)
			}
		}
		if got := w.notified(bob, 1, true); got != "bob!" {
			w.Errorf("highlights: %s", got)
		}
		list, _, err := w.Notifications(w.Context(), as(bob), push.NotificationPage{Limit: 1})
		w.must(err)
		if n := list[0]; n.RoomID != two || n.TS == 0 || len(n.Actions) == 0 || gjson.GetBytes(n.Event, "sender").Str != string(ada) {
			w.Errorf("%+v", n)
		}
		for _, page := range []push.NotificationPage{{From: "x"}, {From: "0"}, {From: "-1"}, {Limit: -1}} {
			_, _, err := w.Notifications(w.Context(), as(bob), page)
			w.refused(err, matrix.InvalidParam)
		}
	})
}

func TestNotificationsBeyondMuchElse(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		w.say(ada, room, "bob?")
		for i := range 600 {
			w.send(ada, room, "org.example.noise", fmt.Sprintf(`{"n":%d}`, i))
		}
		w.say(ada, room, "bob!")
		if got := w.notified(bob, 10, true); got != "bob! bob?" {
			w.Errorf("highlights: %s", got)
		}
	})
}
