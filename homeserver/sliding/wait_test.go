package sliding_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/sliding"
	"plenum/rooms"
)

func TestARequestWaitsForNews(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.join(eve, room) // says nothing, which would end her typing
		c := h.client(ada)
		c.q.Extensions = everything()
		c.sync()
		last := h.say(ada, room, "hello")
		c.sync()
		for name, act := range map[string]func(){
			"a message":        func() { h.say(bob, room, "hello") },
			"an invite":        func() { h.invite(bob, h.create(bob, rooms.CreateRequest{}), ada) },
			"a new room":       func() { h.public(ada, "Park") },
			"account data":     func() { h.note(ada, "", "org.example.x", `{"n":1}`) },
			"room data":        func() { h.note(ada, room, "m.tag", `{"tags":{"u.x":{}}}`) },
			"typing":           func() { h.must(h.data.SetTyping(h.Context(), as(eve), room, long)) },
			"a receipt":        func() { h.read(bob, room, last) },
			"a direct message": func() { h.post(bob, ada, "m.x", `{}`) },
			"a new device key": func() { h.upload(bob) },
		} {
			wait := c.waiting(h.Context())
			act()
			a, err := wait()
			if err != nil || !a.hasNews() {
				t.Errorf("%s: %v, %v", name, a, err)
			}
			if a.at("extensions", "to_device", "events.0").Exists() {
				c.q.Extensions.ToDevice.Since = a.at("extensions", "to_device", "next_batch").Str
			}
		}
	})
}

// hasNews reports whether there is more than what goes with every answer.
func (a answer) hasNews() bool {
	if len(a.Get("rooms").Map()) > 0 {
		return true
	}
	for name, x := range a.Get("extensions").Map() {
		switch name {
		case "to_device":
			if x.Get("events.#").Int() > 0 {
				return true
			}
		case "e2ee":
			if x.Get("device_lists").Exists() {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// everything asks for all extensions.
func everything() sliding.Extensions {
	return sliding.Extensions{
		ToDevice: &sliding.ToDevice{}, E2EE: true, AccountData: &sliding.Scope{}, Receipts: &sliding.Scope{},
		Typing: &sliding.Scope{}, TypingName: "typing",
	}
}

func TestWhatIsNoNewsDoesNotEndTheWait(t *testing.T) {
	each(t, func(h *house) {
		room, other := h.public(ada, "Garden"), h.public(ada, "Park")
		h.join(bob, room)
		c := h.client(ada)
		c.q.Lists, c.q.Extensions = nil, sliding.Extensions{E2EE: true, ToDevice: &sliding.ToDevice{}}
		c.subscribe(room, 5)
		c.sync()
		wait := c.waiting(h.Context())
		for i := range 20 {
			h.say(ada, other, fmt.Sprint(i))
			h.note(ada, "", "org.example.x", fmt.Sprintf(`{"n":%d}`, i))
		}
		h.say(bob, room, "end")
		a, err := wait()
		h.must(err)
		a.wantRooms(room)
		a.room(room).want("end")
	})
}

func TestTheFirstAnswerDoesNotWait(t *testing.T) {
	each(t, func(h *house) {
		c := h.client(ada)
		c.q.Extensions = everything()
		a, err := c.ask(h.Context(), long)
		h.must(err)
		a.wantCount("all", 0)
	})
}

func TestAWaitEnds(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada, "Garden")
		c := h.client(ada)
		before := c.sync().Get("pos").Str
		a, err := c.ask(h.Context(), time.Millisecond)
		h.must(err)
		a.wantRooms()
		if pos := a.Get("pos").Str; pos == "" || pos == before {
			t.Errorf("from %s on, the position is %s", before, pos)
		}

		ctx, cancel := context.WithCancel(h.Context())
		c.list("all", 11) // otherwise it is answered already
		wait := c.waiting(ctx)
		cancel()
		if _, err := wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("nobody waits any more: %v", err)
		}
		c.sync().wantRooms()
	})
}

func TestAStoppingServerLetsEverybodyGo(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada, "Garden")
		c := h.client(ada)
		c.sync()
		wait := c.waiting(h.Context())
		h.stop()
		a, err := wait()
		h.must(err)
		a.wantRooms()
	})
}

// post sends a message from device to device.
func (h *house) post(from, to id.UserID, typ, content string) {
	h.Helper()
	h.posts++
	h.must(h.mail.Send(h.Context(), as(from), typ, fmt.Sprint("post", h.posts), todevice.Messages{to: {phone: []byte(content)}}))
}

// upload gives user's device keys.
func (h *house) upload(user id.UserID) {
	h.Helper()
	keys := fmt.Sprintf(`{"user_id":%q,"device_id":%q,"algorithms":["m.olm.v1.curve25519-aes-sha2"],"keys":{"curve25519:%s":"a","ed25519:%s":"b"},"signatures":{}}`, user, phone, phone, phone)
	must(h.keys.Upload(h.Context(), as(user), e2ee.Upload{Device: []byte(keys)}))(h)
}
