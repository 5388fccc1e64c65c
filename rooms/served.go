package rooms

import (
	"context"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Served is an event as another server gets it.
type Served struct {
	ID   id.EventID
	JSON []byte // the PDU; its redacted form when that is all the server may see
}

// hosted returns a room about which origin may ask: this server takes part in
// it, and its access control list does not keep origin out.
func (r *Rooms) hosted(ctx context.Context, origin string, room id.RoomID) (*Room, error) {
	rm, err := r.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	if !rm.isResident() {
		return nil, matrix.Errorf(matrix.NotFound, "Nobody of this server is in the room.")
	}
	ok, err := rm.admits(ctx, origin)
	if err == nil && !ok {
		err = matrix.Errorf(matrix.Forbidden, "The room does not let %s take part.", origin)
	}
	return rm, err
}

// visited is hosted for what only servers may ask that are, or were, in the room.
func (r *Rooms) visited(ctx context.Context, origin string, room id.RoomID) (*Room, *guest, error) {
	rm, err := r.hosted(ctx, origin, room)
	if err != nil {
		return nil, nil, err
	}
	g, err := rm.guest(ctx, origin)
	if err == nil && !g.wasHere() {
		err = matrix.Errorf(matrix.Forbidden, "Nobody of %s is in the room.", origin)
	}
	return rm, g, err
}

// visitedAt is visited for what is asked about one event of the room.
func (r *Rooms) visitedAt(ctx context.Context, origin string, room id.RoomID, ev id.EventID) (*Room, *Event, error) {
	rm, g, err := r.visited(ctx, origin, room)
	if err != nil {
		return nil, nil, err
	}
	e, err := r.inRoom(ctx, rm, ev)
	if err != nil {
		return nil, nil, err
	}
	if !g.wasAt(e) {
		return nil, nil, matrix.Errorf(matrix.Forbidden, "Nobody of %s was in the room then.", origin)
	}
	return rm, e, nil
}

// inRoom returns an event of a room by its id. It does not find rejected ones.
func (r *Rooms) inRoom(ctx context.Context, rm *Room, ev id.EventID) (*Event, error) {
	e, err := r.Event(ctx, ev)
	if err != nil {
		return nil, err
	}
	if e.Room != rm.id || e.Rejected {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such event in the room.")
	}
	return e, nil
}

// readAtOnce bounds the events of one query.
const readAtOnce = 1000

// records reads events at positions as they are stored. Rooms are served whole
// this way: they would drive everything else out of memory.
func (r *Rooms) records(ctx context.Context, positions []matrix.Position, take func(eventlog.Record)) error {
	for len(positions) > 0 {
		n := min(len(positions), readAtOnce)
		err := r.readRecords(ctx, take, func(tx *storage.Tx) ([]eventlog.Record, error) {
			return r.log.ByPos(ctx, tx, positions[:n])
		})
		if err != nil {
			return err
		}
		positions = positions[n:]
	}
	return nil
}

// recordsByID is records for ids.
func (r *Rooms) recordsByID(ctx context.Context, ids []id.EventID, take func(eventlog.Record)) error {
	for len(ids) > 0 {
		n := min(len(ids), readAtOnce)
		err := r.readRecords(ctx, take, func(tx *storage.Tx) ([]eventlog.Record, error) {
			return r.log.ByID(ctx, tx, ids[:n])
		})
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (r *Rooms) readRecords(ctx context.Context, take func(eventlog.Record), read func(*storage.Tx) ([]eventlog.Record, error)) error {
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = read(tx)
		return err
	})
	for _, rec := range recs {
		take(rec)
	}
	return err
}

// authOf reads the auth events of a stored event.
func authOf(rec eventlog.Record) []id.EventID {
	return refs(gjson.GetBytes(rec.JSON, "auth_events"))
}
