package sync

import (
	"context"

	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/rooms"
)

// turn is one look at what happened to a user between two tokens.
type turn struct {
	*request
	out         tell.Writer
	next        rooms.Token        // where the answer ends and the next one begins
	memberships []rooms.Membership // at next
	ignored     userdata.Users
	invitations userdata.Invitations
	account     accountData // what changed
	everything  accountData // nil: was not needed yet
	mail        mail
	sticky      tell.Sticky
}

// look takes in what there is to be told.
func (s *Syncer) look(ctx context.Context, r *request) (t *turn, err error) {
	t = &turn{request: r, next: rooms.Token{Serial: s.Data.Serial()}}
	if t.next.Pos, t.memberships, err = tell.Now(ctx, s.DB, s.Rooms, r.who.User); err != nil {
		return nil, err
	}
	if t.ignored, err = s.Data.Ignores(ctx, r.who.User); err != nil {
		return nil, err
	}
	if t.invitations, err = s.Data.Invitations(ctx, r.who.User); err != nil {
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
	if err := t.pickSticky(ctx); err != nil {
		return nil, err
	}
	return t, t.readMail(ctx)
}

// topics are what concerns the user of t.
func (t *turn) topics() []string {
	return tell.Topics(t.who.User, t.memberships, t.filter.Room.Has)
}
