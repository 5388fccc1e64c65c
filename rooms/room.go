package rooms

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// tailLen is how many of a room's newest events are kept ready.
const tailLen = 100

// Room is one room in memory.
type Room struct {
	r     *Rooms
	nid   int64
	id    id.RoomID
	topic string // RoomTopic
	field []byte // room_id as a further member of a JSON object
	rules *event.Rules
	since matrix.Position // from here on the state is known; 0: from the beginning

	digging intake  // for history
	intake  intake  // what other servers send, one after the other
	forks   forks   // of the writer: what resolves states
	write   writing // what the next event is built on

	audience audience // of whoever sends events to other servers

	mu       sync.RWMutex        // guards what follows
	pending  map[StateKey]*Event // state on its way to the disk, for the writer
	state    stateMap            // from here on: the committed view
	members  roster
	tail     []*Event          // newest events, oldest first, without gaps
	tailLow  matrix.Position   // every timeline event above this is in tail
	gaps     []matrix.Position // events before which something is missing
	last     matrix.Position
	stirred  *matrix.Position // of the newest event that Stirred tells of; nil: has to be read
	public   bool
	summary  *Summary  // nil: has to be made
	exposure *exposure // who could read when; nil: has to be read
}

// writing is the writer's view of a room. Its lock is held while an event is
// built and queued, not while it is written.
type writing struct {
	sync.Mutex
	heads  []head
	forked bool              // heads are more than the newest event
	levels *auth.PowerLevels // of the newest state; nil: not parsed
	queued int64             // batches handed to the log
	dead   bool              // a write failed or the room was evicted

	// Of the log's writer alone, which runs one function at a time.
	done int64  // batches committed
	ran  int64  // the batch that ran last
	run  uint64 // in which run of the log's writer
}

// head is a forward extremity.
type head struct {
	id    id.EventID
	depth int64
}

// ID returns the room's id.
func (rm *Room) ID() id.RoomID { return rm.id }

// Version returns the room's version.
func (rm *Room) Version() string { return rm.rules.Version }

// Rules returns the rules of the room's version.
func (rm *Room) Rules() *event.Rules { return rm.rules }

// LastPos returns the position of the room's newest timeline event.
func (rm *Room) LastPos() matrix.Position {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.last
}

// IsPublic reports whether the room is listed in the public directory.
func (rm *Room) IsPublic() bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.public
}

// idle reports whether nothing of the room is on its way to the disk.
func (rm *Room) idle() bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.write.queued == rm.write.done
}

// retire makes writers who still hold the room look it up again.
func (rm *Room) retire() {
	rm.write.Lock()
	rm.write.dead = true
	rm.write.Unlock()
}

// retireIdle is retire for a room that nobody is writing to; others it leaves.
func (rm *Room) retireIdle() bool {
	if !rm.write.TryLock() {
		return false
	}
	defer rm.write.Unlock()
	if !rm.idle() {
		return false
	}
	rm.write.dead = true
	return true
}

// newRoom returns a room in memory that holds nothing yet.
func (r *Rooms) newRoom(room id.RoomID, rules *event.Rules) *Room {
	rm := &Room{r: r, id: room, topic: RoomTopic(room), field: appendText([]byte(`,"room_id":`), string(room)), rules: rules, state: newStateMap(), pending: map[StateKey]*Event{}}
	rm.members.init()
	return rm
}

// load reads a room from the log.
func (r *Rooms) load(ctx context.Context, room id.RoomID) (_ *Room, err error) {
	defer matrix.Wrap(&err, "load room")
	var rm *Room
	err = r.db.Read(ctx, func(tx *storage.Tx) error {
		row, ok, err := r.log.Room(ctx, tx, room)
		if err != nil {
			return err
		}
		if !ok {
			return matrix.Errorf(matrix.NotFound, "This server does not know the room.")
		}
		rules, ok := event.RulesFor(row.Version)
		if !ok {
			return matrix.Errorf(matrix.UnsupportedRoomVersion, "Room version %s is not supported.", row.Version)
		}
		rm = r.newRoom(room, rules)
		rm.nid, rm.public, rm.since = row.NID, row.Public, row.Since
		if err := rm.loadState(ctx, tx); err != nil {
			return err
		}
		if err := rm.loadTail(ctx, tx, row); err != nil {
			return err
		}
		if rm.gaps, err = r.log.Gaps(ctx, tx, rm.nid); err != nil {
			return err
		}
		return rm.loadVersions(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.byNID[rm.nid] = room
	r.mu.Unlock()
	return rm, nil
}

func (rm *Room) loadState(ctx context.Context, tx *storage.Tx) error {
	return rm.r.log.State(ctx, tx, rm.nid, func(s eventlog.StateRow) error {
		rm.state.load(StateKey{s.Type, s.Key}, s.Changed, s.Event)
		if s.Type == "m.room.member" {
			rm.setMember(id.UserID(s.Key), s.Membership)
		}
		return nil
	})
}

func (rm *Room) loadTail(ctx context.Context, tx *storage.Tx, row eventlog.RoomRow) error {
	recs, err := rm.r.log.RoomBefore(ctx, tx, rm.nid, minPos, maxPos, tailLen)
	if err != nil {
		return err
	}
	for i := len(recs) - 1; i >= 0; i-- {
		e, err := fromRecord(rm.rules, rm.id, recs[i])
		if err != nil {
			return err
		}
		rm.tail = append(rm.tail, rm.r.recall(e))
	}
	rm.tailLow = minPos
	if len(recs) == tailLen {
		rm.tailLow = rm.tail[0].Pos - 1
	}
	if n := len(rm.tail); n > 0 {
		newest := rm.tail[n-1]
		rm.last = newest.Pos
		rm.write.heads = []head{{newest.ID, newest.Depth}}
	}
	if row.Heads != nil {
		return rm.loadHeads(ctx, tx, row.Heads)
	}
	return nil
}

// loadHeads reads the forward extremities of a room whose newest event is not
// the only one.
func (rm *Room) loadHeads(ctx context.Context, tx *storage.Tx, raw []byte) error {
	var ids []id.EventID
	if err := json.Unmarshal(raw, &ids); err != nil {
		return fmt.Errorf("heads of a room: %w", err)
	}
	recs, err := rm.r.log.ByID(ctx, tx, ids)
	if err != nil {
		return err
	}
	rm.write.heads, rm.write.forked = nil, true
	for _, rec := range recs {
		e, err := fromRecord(rm.rules, rm.id, rec)
		if err != nil {
			return err
		}
		rm.write.heads = append(rm.write.heads, head{e.ID, e.Depth})
	}
	sortHeads(rm.write.heads)
	return nil
}

// loadVersions reads what the state was in the time of the tail.
func (rm *Room) loadVersions(ctx context.Context, tx *storage.Tx) error {
	changes, err := rm.r.log.StateChanges(ctx, tx, rm.nid, rm.tailLow, maxPos)
	if err == nil {
		rm.state.recall(rm.tailLow, changes)
	}
	return err
}

// apply makes a committed batch visible. It runs in the log's writer, in
// commit order.
func (rm *Room) apply(b *batch) {
	evs := b.events
	rm.mu.Lock()
	for _, t := range b.turns {
		rm.applyState(t.key, b.at, t.event)
	}
	for i, e := range evs {
		if b.entries[i].State != nil {
			rm.applyState(StateKey{e.Type, *e.StateKey}, e.Pos, e)
			if k := (StateKey{e.Type, *e.StateKey}); rm.pending[k] == e {
				delete(rm.pending, k)
			}
		}
		rm.tail = append(rm.tail, e)
		rm.last = e.Pos
		if stirs(e.Type) {
			rm.stirred = &e.Pos
		}
	}
	if over := len(rm.tail) - tailLen; over > tailLen {
		rm.tailLow = rm.tail[over-1].Pos
		rm.tail = append([]*Event(nil), rm.tail[over:]...)
	}
	rm.write.done = b.n
	rm.mu.Unlock()
	for _, e := range evs {
		rm.r.remember(e)
	}
}

// redacted shows the event at its position as shown from now on. pending is
// the same as the writer holds it.
func (rm *Room) redacted(pending, shown *Event) {
	was, _ := rm.r.events.Peek(shown.Pos)
	rm.r.children.drop(rm.nid, was)
	rm.r.remember(shown)
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if shown.IsState() {
		rm.summary = nil
		if k := (StateKey{shown.Type, *shown.StateKey}); rm.pending[k] == pending {
			delete(rm.pending, k)
		}
	}
	for i, old := range rm.tail {
		if old.Pos == shown.Pos {
			tail := append([]*Event(nil), rm.tail...) // readers hold the old one
			tail[i] = shown
			rm.tail = tail
		}
	}
}
