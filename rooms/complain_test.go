package rooms_test

import (
	"math"
	"strings"
	"testing"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/reports"
)

func TestComplaints(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", AliasName: "here"})
		h.join(bob, room)
		said := h.say(ada, room, "rude")
		complain := func(regarding, harm, description string) error {
			_, err := h.Complain(ctx, as(bob), rooms.Complaint{Txn: regarding + harm, Regarding: regarding, Harm: harm, Description: description})
			return err
		}
		for _, name := range []string{string(ada), string(said), string(room), "#here:" + here, "server:bad.example", "mxc://bad.example/x", "m.system", "org.example.thing"} {
			h.must(complain(name, "m.spam.flooding", ""))
		}
		var list []reports.Report
		h.must(h.db.Read(ctx, func(tx *storage.Tx) (err error) {
			list, err = reports.Before(ctx, tx, math.MaxInt64, 100)
			return err
		}))
		if len(list) != 8 {
			t.Fatalf("%d reports", len(list))
		}
		if e := list[6]; e.Kind != reports.Event || e.Event != said || e.Room != room || e.User != ada || e.Harm != "m.spam.flooding" || e.Reporter != bob {
			t.Errorf("of the event: %+v", e)
		}
		if s := list[3]; s.Kind != reports.Server || s.Subject != "bad.example" {
			t.Errorf("of the server: %+v", s)
		}

		h.refused(complain("", "m.spam.flooding", ""), matrix.BadJSON)
		h.refused(complain("What?", "m.spam.flooding", ""), matrix.BadJSON)
		h.refused(complain(string(ada), "", ""), matrix.BadJSON)
		h.refused(complain(string(ada), "m.spam.boredom", ""), matrix.InvalidParam)
		h.refused(complain(string(ada), "boredom", ""), matrix.InvalidParam)
		h.refused(complain(string(ada), "m.spam", ""), matrix.BadJSON)
		h.refused(complain(string(ada), "m.spam.flooding", " \n"), matrix.BadJSON)
		h.refused(complain(string(ada), "m.other", strings.Repeat("x", 1025)), matrix.BadJSON)
		h.refused(complain("$none", "m.spam.flooding", ""), matrix.NotFound)
		h.refused(complain("!none:"+here, "m.spam.flooding", ""), matrix.NotFound)
		secret := h.say(ada, h.create(ada, rooms.CreateRequest{}), "among us")
		h.refused(complain(string(secret), "m.spam.flooding", ""), matrix.NotFound)
	})
}

func TestTheSameComplaintIsOne(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		c := rooms.Complaint{Txn: "t", Regarding: "m.system", Harm: "m.other", Description: "it is slow"}
		first, err := h.Complain(h.Context(), as(ada), c)
		h.must(err)
		again, err := h.Complain(h.Context(), as(ada), c)
		h.must(err)
		other, err := h.Complain(h.Context(), as(bob), c)
		h.must(err)
		if first != again || first == other || first == "" {
			t.Errorf("%q, then %q, of another user %q", first, again, other)
		}
		h.must(h.db.Read(h.Context(), func(tx *storage.Tx) error {
			list, err := reports.Before(h.Context(), tx, math.MaxInt64, 10)
			if len(list) != 2 {
				t.Errorf("%d reports", len(list))
			}
			return err
		}))
	})
}
