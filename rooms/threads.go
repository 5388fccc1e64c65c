package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// ThreadsQuery asks for the threads of a room.
type ThreadsQuery struct {
	Room         id.RoomID
	Participated bool // only those in which p took part
	From         *Token
	Limit        int
	Ignored      func(id.UserID) bool // nil: nobody is ignored
}

// Threads are a page of a room's threads.
type Threads struct {
	Room  *Room
	Roots []*Event
	Next  *Token // nil: there are no more
}

// Threads returns the roots of a room's threads that p may see, the one with
// the newest reply first.
//
// Spec: client-server-api#get_matrixclientv1roomsroomidthreads
func (r *Rooms) Threads(ctx context.Context, p matrix.Principal, q ThreadsQuery) (_ Threads, err error) {
	defer matrix.Wrap(&err, "threads")
	rm, s, reach, err := r.enter(ctx, p, q.Room)
	if err != nil {
		return Threads{}, err
	}
	rows := eventlog.ThreadQuery{Room: rm.nid, Upto: min(reach.Upto, rm.LastPos())}
	rows.Before = rows.Upto + 1
	if q.From != nil {
		rows.Before = min(rows.Upto, q.From.Pos) + 1
	}
	if q.Participated {
		rows.With = p.User
	}
	limit := pageSize(q.Limit)
	out := Threads{Room: rm}
	for seen := 0; seen < walkFar && len(out.Roots) < limit; {
		rows.Limit = limit - len(out.Roots) + 1
		found, err := rm.threads(ctx, rows)
		if err != nil {
			return Threads{}, err
		}
		seen += len(found)
		out.Next = nil
		if len(found) == rows.Limit { // the last one is for the next page, at the earliest
			found = found[:len(found)-1]
			rows.Before = found[len(found)-1].Latest
			out.Next = &Token{Pos: rows.Before - 1}
		}
		roots, err := rm.roots(ctx, s, q, found)
		if err != nil {
			return Threads{}, err
		}
		out.Roots = append(out.Roots, roots...)
		if out.Next == nil {
			break
		}
	}
	return out, nil
}

func (rm *Room) threads(ctx context.Context, q eventlog.ThreadQuery) (rows []eventlog.ThreadRow, err error) {
	err = rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = rm.r.log.Threads(ctx, tx, q)
		return err
	})
	return rows, err
}

// roots returns those roots of rows that are to be shown. That of somebody who
// is ignored is shown without what it says.
func (rm *Room) roots(ctx context.Context, s *sight, q ThreadsQuery, rows []eventlog.ThreadRow) ([]*Event, error) {
	ids := make([]id.EventID, len(rows))
	for i, row := range rows {
		ids[i] = row.Root(rm.rules.Version)
	}
	byID, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []*Event
	for _, ev := range ids {
		e := byID[ev]
		if e == nil || e.Room != rm.id || !s.sees(e) {
			continue
		}
		if q.Ignored != nil && q.Ignored(e.Sender) {
			if e, err = redacted(rm, e); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	return out, nil
}
