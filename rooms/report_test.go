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

func TestReports(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		said, score := h.say(ada, room, "rude"), int64(-50)
		h.must(h.ReportEvent(ctx, as(bob), room, said, "rude", &score))
		h.must(h.ReportRoom(ctx, as(eve), room, "its name"))
		h.must(h.ReportUser(ctx, as(bob), ada, ""))
		h.refused(h.ReportEvent(ctx, as(eve), room, said, "", nil), matrix.NotFound)
		h.refused(h.ReportEvent(ctx, as(bob), room, "$none", "", nil), matrix.NotFound)
		h.refused(h.ReportUser(ctx, as(bob), ada, strings.Repeat("x", 20_000)), matrix.InvalidParam)
		h.must(h.db.Read(ctx, func(tx *storage.Tx) error {
			list, err := reports.Before(ctx, tx, math.MaxInt64, 10)
			if err == nil && (len(list) != 3 || list[2].Event != said || list[2].User != ada || list[2].Reporter != bob || *list[2].Score != score || list[0].Score != nil) {
				t.Errorf("reports: %+v", list)
			}
			return err
		}))
	})
}
