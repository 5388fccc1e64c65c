package tell

import (
	"context"
	"runtime"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

// Now returns the newest position, and what user has to do with which rooms at
// it, the latest change last. The slice is shared: callers do not change it.
func Now(ctx context.Context, db *storage.DB, r *rooms.Rooms, user id.UserID) (matrix.Position, []rooms.Membership, error) {
	for {
		pos := db.Committed()
		memberships, err := r.MembershipsOf(ctx, user)
		if err != nil {
			return 0, nil, err
		}
		if n := len(memberships); n == 0 || memberships[n-1].Pos <= pos {
			return pos, memberships, nil
		}
		runtime.Gosched() // a commit is being announced this very moment
	}
}
