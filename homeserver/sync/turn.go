package sync

import (
	"context"
	"runtime"

	"plenum/homeserver/userdata"
	"plenum/rooms"
)

// turn is one look at what happened to a user between two tokens.
type turn struct {
	*request
	out         writer
	next        rooms.Token        // where the answer ends and the next one begins
	memberships []rooms.Membership // at next
	ignored     userdata.Users
	account     accountData // what changed
	everything  accountData // nil: was not needed yet
	mail        mail
}

// look takes in what there is to be told.
func (s *Syncer) look(ctx context.Context, r *request) (t *turn, err error) {
	t = &turn{request: r}
	for {
		t.next = rooms.Token{Pos: s.DB.Committed(), Serial: s.Data.Serial()}
		if t.memberships, err = s.Rooms.MembershipsOf(ctx, r.who.User); err != nil {
			return nil, err
		}
		if n := len(t.memberships); n == 0 || t.memberships[n-1].Pos <= t.next.Pos {
			break
		}
		runtime.Gosched() // a commit is being announced this very moment
	}
	if t.ignored, err = s.Data.Ignores(ctx, r.who.User); err != nil {
		return nil, err
	}
	if r.initial {
		t.account, err = t.wholeAccountData(ctx)
	} else {
		t.account, err = t.changedAccountData(ctx)
	}
	if err != nil {
		return nil, err
	}
	return t, t.readMail(ctx)
}
