package rooms_test

import (
	"testing"

	"maunium.net/go/mautrix/id"
)

// erasures are who wants to be forgotten.
type erasures map[id.UserID]bool

func (e erasures) IsErased(user id.UserID) bool { return e[user] }

// What ada said is shown to those who heard it, and to nobody else, after she
// was erased.
func TestErasedPeople(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		gone := erasures{}
		h.erased = gone
		h.reopen()
		room := h.create(eve, withVisibility("world_readable"))
		h.join(ada, room)
		h.join(bob, room)
		said := h.say(ada, room, "hello")
		answer := h.relate(ada, room, "m.thread", said, `"body":"me again"`)
		other := h.say(eve, room, "welcome")
		edit := h.relate(ada, room, "m.replace", said, `"body":"* hallo","m.new_content":{"body":"hallo"}`)
		named := h.setState(ada, room, "m.room.member", string(ada), `{"membership":"join","displayname":"Ada Lovelace"}`)
		h.leave(ada, room)
		bye, err := h.room(room).Current(h.Context(), "m.room.member", string(ada))
		h.must(err)
		left := bye.ID
		h.join(cyd, room)

		const thread, edited = `unsigned.m\.relations.m\.thread.`, `unsigned.m\.relations.m\.replace.`
		heard := func(user id.UserID) {
			h.Helper()
			h.want(h.show(user, room, said), map[string]string{
				"content.body": "hello", thread + "latest_event.content.body": "me again", edited + "event_id": string(edit),
			})
			h.want(h.show(user, room, named), map[string]string{"content.displayname": "Ada Lovelace"})
			h.want(h.show(user, room, left), map[string]string{"unsigned.prev_content.displayname": "Ada Lovelace"})
		}
		for range 2 {
			heard(bob)
			heard(cyd)
			heard(fay)
			h.reopen()
		}

		gone[ada] = true
		for range 2 {
			heard(bob)
			for _, user := range []id.UserID{cyd, fay} { // who came later, and who never did
				h.want(h.show(user, room, said), map[string]string{
					"content": "{}", "sender": string(ada), "type": "m.room.message",
					thread + "count": "1", thread + "latest_event.content.body": "-", edited + "event_id": "-",
				})
				h.want(h.show(user, room, answer), map[string]string{"content.body": "-"})
				h.want(h.show(user, room, edit), map[string]string{"content.m\\.new_content": "-"})
				h.want(h.show(user, room, named), map[string]string{"content": `{"membership":"join"}`, "unsigned.prev_content": `{"membership":"join"}`})
				h.want(h.show(user, room, left), map[string]string{"unsigned.prev_content": `{"membership":"join"}`})
				h.want(h.show(user, room, other), map[string]string{"content.body": "welcome"})
			}
			h.leave(bob, room)
			heard(bob)
			h.reopen()
			h.join(bob, room)
			heard(bob)
		}
		if name := h.state(room, "m.room.member", string(eve)).Get("displayname").Str; name != "eve" {
			h.Errorf("eve is called %q", name)
		}
	})
}
