package sync

import (
	"context"

	"plenum/homeserver/userdata"
	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// request is a sync as it was asked for.
type request struct {
	s          *Syncer
	who        matrix.Principal
	filter     *filter.Filter
	since      rooms.Token     // what was told already; moves on while the sync waits
	confirmed  matrix.Position // what the client is known to have received
	initial    bool            // the client has nothing yet
	full       bool            // full_state
	stateAfter string
}

// all reports whether the client wants to be told of every room, whether or
// not something happened there.
func (r *request) all() bool { return r.initial || r.full }

func (s *Syncer) request(ctx context.Context, p matrix.Principal, q Query) (*request, error) {
	r := &request{s: s, who: p, initial: q.Since == "", full: q.FullState, stateAfter: q.StateAfter}
	switch q.SetPresence {
	case "", userdata.Online, userdata.Unavailable, userdata.Offline:
	default:
		return nil, matrix.Errorf(matrix.InvalidParam, "There is no presence %q.", q.SetPresence)
	}
	var err error
	if r.filter, err = s.filter(ctx, p.User, q.Filter); err != nil {
		return nil, err
	}
	if r.initial {
		s.members.clear(p)
		return r, nil
	}
	if r.since, err = rooms.ParseToken(q.Since); err != nil {
		return nil, err
	}
	if r.since.Conn != "" {
		return nil, matrix.Errorf(matrix.InvalidParam, "That is a position of sliding sync.")
	}
	if r.since.Pos > s.DB.Committed() {
		return nil, matrix.Errorf(matrix.InvalidParam, "That token is not of this server's past.")
	}
	if r.since.Serial > s.Data.Serial() { // the server's clock was set back
		r.since.Serial = 0
	}
	r.confirmed = r.since.Pos
	return r, nil
}
