package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/reports"
)

// maxReason bounds what a report says, in bytes.
const maxReason = 10_000

// ReportEvent tells those who run the server of an event.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidreporteventid
func (r *Rooms) ReportEvent(ctx context.Context, p matrix.Principal, room id.RoomID, ev id.EventID, reason string, score *int64) error {
	rm, err := r.known(ctx, room)
	if err != nil {
		return err
	}
	e, err := r.Event(ctx, ev)
	if err == nil {
		err = rm.checkReports(ctx, p, e)
	}
	if err != nil {
		return err
	}
	return r.report(ctx, p, reports.Report{Kind: reports.Event, Room: room, Event: ev, User: e.Sender, Reason: reason, Score: score})
}

// checkReports refuses reports of events that p does not see in the room.
func (rm *Room) checkReports(ctx context.Context, p matrix.Principal, e *Event) error {
	seen, err := rm.Visible(ctx, p.User, []*Event{e})
	if err != nil {
		return err
	}
	if e.Room != rm.id || len(seen) == 0 || rm.MembershipOf(p.User) != "join" {
		return matrix.Errorf(matrix.NotFound, "There is no such event in a room that you are in.")
	}
	return nil
}

// ReportRoom tells those who run the server of a room. Who is not in the room
// may do so too: a description or an invitation can be what is bad.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidreport
func (r *Rooms) ReportRoom(ctx context.Context, p matrix.Principal, room id.RoomID, reason string) error {
	if _, err := r.Room(ctx, room); err != nil {
		return err
	}
	return r.report(ctx, p, reports.Report{Kind: reports.Room, Room: room, Reason: reason})
}

// ReportUser tells those who run the server of a user. The answer does not say
// whether there is such a user.
//
// Spec: client-server-api#post_matrixclientv3usersuseridreport
func (r *Rooms) ReportUser(ctx context.Context, p matrix.Principal, user id.UserID, reason string) error {
	if _, _, err := user.Parse(); err != nil {
		return matrix.Errorf(matrix.InvalidParam, "%q is not a user id.", string(user))
	}
	return r.report(ctx, p, reports.Report{Kind: reports.User, User: user, Reason: reason})
}

func (r *Rooms) report(ctx context.Context, p matrix.Principal, rep reports.Report) error {
	if len(rep.Reason) > maxReason {
		return matrix.Errorf(matrix.InvalidParam, "A reason has at most %d bytes.", maxReason)
	}
	rep.Reporter, rep.TS = p.User, r.opt.Now().UnixMilli()
	return r.db.Write(ctx, func(tx *storage.Tx) error { return reports.Add(ctx, tx, rep) })
}
