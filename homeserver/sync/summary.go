package sync

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
)

// summary is what a client needs to show a room in a list.
//
// Spec: client-server-api#get_matrixclientv3sync_response-200_roomsummary
type summary struct {
	isNews          bool
	heroes          []id.UserID // nil: the room has a name
	joined, invited int
}

// readSummary fills in the summary if it is not what the client was told last.
func (st *stay) readSummary(ctx context.Context) error {
	isNews, err := st.hasNewSummary(ctx)
	if err != nil || !isNews {
		return err
	}
	st.summary = summary{isNews: true, joined: st.rm.MemberCount("join"), invited: st.rm.MemberCount("invite")}
	about, err := st.rm.Summary(ctx)
	if err == nil && about.Name == "" && about.Alias == "" {
		st.summary.heroes = st.rm.Heroes(st.who.User)
	}
	return err
}

// hasNewSummary reports whether anybody came, was invited or went, or the room
// got or lost its name.
func (st *stay) hasNewSummary(ctx context.Context) (bool, error) {
	if st.whole() {
		return true, nil
	}
	changes, err := st.rm.StateChanges(ctx, st.from, st.settled)
	if err != nil {
		return false, err
	}
	c, err := tell.WhatChanged(ctx, st.s.Rooms, changes)
	return c.Name || c.Alias || c.Members, err
}

func (st *stay) writeSummary(context.Context) error {
	s := &st.summary
	if !s.isNews {
		return nil
	}
	object := st.out.Open("summary")
	if s.heroes != nil {
		st.out.OpenList("m.heroes")
		for _, hero := range s.heroes {
			st.out.Text(string(hero))
		}
		st.out.CloseList()
	}
	st.out.Name("m.joined_member_count")
	st.out.Int(int64(s.joined))
	st.out.Name("m.invited_member_count")
	st.out.Int(int64(s.invited))
	st.out.Close(object)
	return nil
}
