package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

const (
	// usualRedactions and mostRedactions are how many events one request to
	// redact what somebody sent redacts.
	usualRedactions = 25
	mostRedactions  = 100
	// mostRelated bounds the events that are redacted together with one.
	mostRelated = 1000
)

// UserRedaction asks to redact what a user has sent to a room.
type UserRedaction struct {
	Room    id.RoomID
	User    id.UserID
	Content []byte // of each redaction
	Limit   int    // 0: 25
}

// UserRedacted says what came of it.
type UserRedacted struct {
	Total      int
	SoftFailed int // among Total
	More       bool
}

// RedactUser redacts the newest events of a user in a room, those too that
// nobody was shown because they came after the user was thrown out. What must
// not be redacted, and redactions themselves, stay.
//
// Spec: MSC4194
func (r *Rooms) RedactUser(ctx context.Context, p matrix.Principal, q UserRedaction) (out UserRedacted, err error) {
	defer matrix.Wrap(&err, "redact a user")
	rm, err := r.known(ctx, q.Room)
	if err != nil {
		return out, err
	}
	if err := rm.checkRedacts(ctx, p, q.User); err != nil {
		return out, err
	}
	limit := min(q.Limit, mostRedactions)
	if limit <= 0 {
		limit = usualRedactions
	}
	for before := maxPos; ; {
		evs, err := r.sentBefore(ctx, rm, q.User, before, limit+1)
		if err != nil || len(evs) == 0 {
			return out, err
		}
		for _, e := range evs {
			before = e.Pos
			if !isRedactable(e) {
				continue
			}
			if out.Total == limit {
				out.More = true
				return out, nil
			}
			if _, err := r.redact(ctx, rm, p, e, Redaction{Room: q.Room, Event: e.ID, Content: q.Content}, nil); err != nil {
				return out, err
			}
			out.Total++
			if e.SoftFailed {
				out.SoftFailed++
			}
		}
	}
}

// isRedactable reports whether e is among what is redacted of somebody: not
// what the room would come to harm without.
func isRedactable(e *Event) bool {
	return !slices.Contains([]string{"m.room.create", "m.room.encryption", "m.room.server_acl", "m.room.redaction"}, e.Type)
}

// checkRedacts reports why p may not redact what user sent.
func (rm *Room) checkRedacts(ctx context.Context, p matrix.Principal, user id.UserID) error {
	if rm.MembershipOf(p.User) != "join" {
		return errNotInRoom()
	}
	if user == p.User {
		return nil
	}
	levels, err := rm.PowerLevels(ctx)
	if err == nil && levels.User(p.User) < levels.Redact() {
		err = matrix.Errorf(matrix.Forbidden, "You may redact only what you sent yourself.")
	}
	return err
}

// sentBefore returns what a user sent to a room, the newest first.
func (r *Rooms) sentBefore(ctx context.Context, rm *Room, user id.UserID, before matrix.Position, limit int) ([]*Event, error) {
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.SentBefore(ctx, tx, rm.nid, user, before, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.materialise(ctx, recs)
}

// redactRelated redacts the events that relate to target in one of the ways;
// "*" is any. Those that p may not redact stay.
//
// Spec: MSC3912
func (r *Rooms) redactRelated(ctx context.Context, rm *Room, p matrix.Principal, target *Event, q Redaction) error {
	if len(q.Related) == 0 {
		return nil
	}
	var rows []eventlog.RelationRow
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = r.log.Children(ctx, tx, []id.EventID{target.ID})
		return err
	})
	if err != nil {
		return err
	}
	var positions []matrix.Position
	for _, row := range rows {
		if len(positions) < mostRelated && (slices.Contains(q.Related, "*") || slices.Contains(q.Related, row.Type)) {
			positions = append(positions, row.Child)
		}
	}
	evs, err := r.inOrder(ctx, positions)
	if err != nil {
		return err
	}
	for _, e := range evs {
		if e.Room != q.Room || e.RedactedBy != 0 {
			continue
		}
		_, err := r.redact(ctx, rm, p, e, Redaction{Room: q.Room, Event: e.ID, Content: q.Content}, nil)
		if err != nil && !matrix.IsCode(err, matrix.Forbidden) && !matrix.IsCode(err, matrix.UserSuspended) {
			return err
		}
	}
	return nil
}
