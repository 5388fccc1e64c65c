package sync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
)

// post sends messages to the phone of a user.
func (h *house) post(from, to id.UserID, numbers ...int) {
	h.Helper()
	for _, n := range numbers {
		msgs := todevice.Messages{to: {phone: fmt.Appendf(nil, `{"n":%d}`, n)}}
		h.must(h.mail.Send(h.Context(), as(from), "org.example.ping", fmt.Sprint(from, to, n), msgs))
	}
}

// mail are the numbers of the messages to the device.
func (a answer) mail() []int {
	var out []int
	for _, ev := range a.Get("to_device.events").Array() {
		if ev.Get("type").Str != "org.example.ping" || ev.Get("sender").Str == "" {
			a.c.Errorf("a message is %s", ev.Raw)
		}
		out = append(out, int(ev.Get("content.n").Int()))
	}
	return out
}

func (a answer) wantMail(numbers ...int) {
	a.c.Helper()
	if got := a.mail(); !slices.Equal(got, numbers) {
		a.c.Errorf("messages are %v, want %v", got, numbers)
	}
}

func TestMessagesToADeviceComeUntilTheyArrived(t *testing.T) {
	each(t, func(h *house) {
		h.post(bob, ada, 1)
		c := h.client(ada, "")
		c.peek().wantMail(1)
		c.sync().wantMail(1)
		h.post(bob, ada, 2, 3)
		c.peek().wantMail(2, 3) // this answer gets lost
		h.reopen()
		c.sync().wantMail(2, 3)
		c.sync().wantNothing()
		h.client(ada, "").sync().wantMail() // they are gone
		wait := c.waiting(h.Context())
		h.post(bob, ada, 4)
		a, err := wait()
		h.must(err)
		a.wantMail(4)
	})
}

func TestManyMessagesComeWithSeveralAnswers(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, "")
		var want, got []int
		for n := range 230 {
			want = append(want, n)
		}
		h.post(bob, ada, want...)
		h.say(ada, room, "hello")
		first := true
		for {
			again := c.peek().mail() // asking again loses nothing
			a := c.sync()
			if !slices.Equal(a.mail(), again) {
				t.Errorf("messages are %v, and when asked again %v", a.mail(), again)
			}
			if len(again) == 0 {
				a.wantNothing()
				break
			}
			if len(again) > 100 {
				t.Errorf("%d messages in one answer", len(again))
			}
			a.joined(room).wantEntry(first)
			first = false
			got = append(got, again...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d messages arrived of %d: %v", len(got), len(want), got)
		}
	})
}

func TestDeviceLists(t *testing.T) {
	each(t, func(h *house) {
		want := func(a answer, changed, left string) {
			t.Helper()
			if c, l := a.Get("device_lists.changed").Raw, a.Get("device_lists.left").Raw; c != changed || l != left {
				t.Errorf("device lists are %q and %q, want %q and %q", c, l, changed, left)
			}
		}
		room := h.public(ada)
		c := h.client(ada, "")
		want(c.sync(), "", "")
		h.join(bob, room)
		want(c.sync(), `["@bob:one.example"]`, "")
		h.upload(bob)
		h.upload(eve) // a stranger
		a := c.sync()
		want(a, `["@bob:one.example"]`, "")
		a.wantNoRooms()
		c.sync().wantNothing()
		h.leave(bob, room)
		want(c.sync(), "", `["@bob:one.example"]`)
		c.sync().wantNothing()
	})
}

// upload gives the phone of a user keys.
func (h *house) upload(user id.UserID) {
	h.Helper()
	_, err := h.keys.Upload(h.Context(), as(user), e2ee.Upload{
		Device:  fmt.Appendf(nil, `{"user_id":%q,"device_id":%q,"algorithms":[],"keys":{},"signatures":{}}`, user, phone),
		OneTime: map[string]json.RawMessage{"signed_curve25519:A": []byte(`{"key":"x"}`), "signed_curve25519:B": []byte(`{"key":"y"}`)},
	})
	h.must(err)
}

func TestTheStockOfKeysIsInEveryAnswer(t *testing.T) {
	each(t, func(h *house) {
		c := h.synced(ada, "")
		want := func(n int64) {
			t.Helper()
			a := c.sync()
			a.wantNothing()
			if got := a.Get("device_one_time_keys_count.signed_curve25519"); !got.Exists() || got.Int() != n {
				t.Errorf("%s keys are left, want %d", got.Raw, n)
			}
			if got := a.Get("device_unused_fallback_key_types").Raw; got != "[]" {
				t.Errorf("unused fallback keys are %s", got)
			}
		}
		want(0)
		h.upload(ada)
		c.sync() // of the new keys too
		want(2)
		ctx, cancel := context.WithTimeout(h.Context(), long/2)
		defer cancel()
		wait := c.waiting(ctx)
		_, _, err := h.keys.Claim(h.Context(), as(ada), e2ee.Claims{ada: {phone: "signed_curve25519"}})
		h.must(err)
		a, err := wait() // and does not stay ignorant until the poll ends
		if h.must(err); a.Get("device_one_time_keys_count.signed_curve25519").Int() != 1 {
			t.Errorf("after a claim: %s", a.Raw)
		}
	})
}
