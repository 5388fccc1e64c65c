package rooms

import (
	"context"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Profiles tells the profile that a member event carries.
type Profiles interface {
	MemberProfile(ctx context.Context, user id.UserID) (displayname, avatarURL string, err error)
}

// Options are the settings of Rooms.
type Options struct {
	ServerName     string
	Signer         *event.Signer
	DefaultVersion string // room version of new rooms
	EncryptPresets []string
	RoomsInMemory  int          // rooms whose state is kept in memory
	EventsInMemory int          // events kept in memory beside those of hot rooms
	Erased         Erasures     // nil: nobody
	Notices        id.UserID    // speaks for the server; "": nobody
	Peers          Peers        // nil: this server talks to no other
	Keys           Keys         // needed together with Peers
	Policy         PolicySigner // nil: policy servers are not asked
	Lookups        Lookups      // nil: other servers are not asked about their rooms
	// Invitable reports why a user, of whichever server, may not invite one of
	// this server to a room; nil: everybody may invite everybody.
	Invitable func(ctx context.Context, inviter, invited id.UserID, room id.RoomID) error
	Bridges   Bridges // nil: none
	Now       func() time.Time
}

// Rooms are all rooms that this server knows.
type Rooms struct {
	db       *storage.DB
	log      *eventlog.Log
	profiles Profiles
	opt      Options
	slog     *slog.Logger

	feed      *Feed
	lasts     *lasts
	kinds     *kinds
	events    *lru.Cache[matrix.Position, *Event]
	ids       *lru.Cache[id.EventID, matrix.Position]
	txns      *txns
	delays    *delays
	sticky    *stickies
	users     *users
	children  *children
	acls      *acls
	elsewhere *foreignSpaces
	joining   singly[id.RoomID] // joins through other servers

	mu    sync.Mutex
	rooms map[id.RoomID]*slot
	byNID map[int64]id.RoomID
}

// slot is a room in memory, or one that is being loaded.
type slot struct {
	ready chan struct{}
	room  *Room
	err   error
	used  time.Time
}

// holds reports whether rm is the room of s. One that is being loaded is
// another.
func (s *slot) holds(rm *Room) bool {
	select {
	case <-s.ready:
		return s.room == rm
	default:
		return false
	}
}

// New returns the rooms of db.
func New(db *storage.DB, log *eventlog.Log, profiles Profiles, opt Options, logger *slog.Logger) (*Rooms, error) {
	if opt.RoomsInMemory <= 0 {
		opt.RoomsInMemory = 2000
	}
	if opt.EventsInMemory <= 0 {
		opt.EventsInMemory = 20_000
	}
	if opt.Bridges == nil {
		opt.Bridges = noBridges{}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	events, err := lru.New[matrix.Position, *Event](opt.EventsInMemory)
	if err != nil {
		return nil, err
	}
	ids, err := lru.New[id.EventID, matrix.Position](opt.EventsInMemory)
	if err != nil {
		return nil, err
	}
	r := &Rooms{
		db: db, log: log, profiles: profiles, opt: opt, slog: logger,
		events: events, ids: ids, rooms: map[id.RoomID]*slot{}, byNID: map[int64]id.RoomID{},
		feed: newFeed(db.Committed()), lasts: newLasts(db.Committed()), kinds: newKinds(),
	}
	if r.txns, err = newTxns(r); err != nil {
		return nil, err
	}
	if r.delays, err = newDelays(r); err != nil {
		return nil, err
	}
	if r.sticky, err = newStickies(r); err != nil {
		return nil, err
	}
	if r.users, err = newUsers(r); err != nil {
		return nil, err
	}
	if r.children, err = newChildren(r); err != nil {
		return nil, err
	}
	if r.acls, err = newACLs(); err != nil {
		return nil, err
	}
	if r.elsewhere, err = newForeignSpaces(r); err != nil {
		return nil, err
	}
	return r, nil
}

// ServerName returns the name of this server.
func (r *Rooms) ServerName() string { return r.opt.ServerName }

// IsLocal reports whether user is of this server.
func (r *Rooms) IsLocal(user id.UserID) bool { return user.Homeserver() == r.opt.ServerName }

// Room returns a room that this server is or was in. Unknown rooms are M_NOT_FOUND.
func (r *Rooms) Room(ctx context.Context, room id.RoomID) (*Room, error) {
	r.mu.Lock()
	s, ok := r.rooms[room]
	if !ok {
		s = &slot{ready: make(chan struct{})}
		r.rooms[room] = s
		r.evict()
	}
	s.used = r.opt.Now()
	r.mu.Unlock()
	if !ok {
		s.room, s.err = r.load(context.WithoutCancel(ctx), room)
		if s.err != nil {
			r.drop(room, s)
		}
		close(s.ready)
	}
	select {
	case <-s.ready:
		return s.room, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// known is Room for those who may not learn whether a room exists.
func (r *Rooms) known(ctx context.Context, room id.RoomID) (*Room, error) {
	rm, err := r.Room(ctx, room)
	if matrix.IsCode(err, matrix.NotFound) {
		return nil, errNotInRoom()
	}
	return rm, err
}

func errNotInRoom() error {
	return matrix.Errorf(matrix.Forbidden, "You are not in this room.")
}

// drop forgets the room in memory, so that it is loaded again.
func (r *Rooms) drop(room id.RoomID, s *slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[room] == s {
		delete(r.rooms, room)
	}
}

// admit takes in a room that was just made.
func (r *Rooms) admit(rm *Room) {
	s := &slot{ready: make(chan struct{}), room: rm, used: r.opt.Now()}
	close(s.ready)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rooms[rm.id] = s
	r.byNID[rm.nid] = rm.id
	r.evict()
}

// evict makes place for one more room. Rooms with writes on their way stay:
// only the room in memory knows them. The caller holds mu.
func (r *Rooms) evict() {
	if len(r.rooms) <= r.opt.RoomsInMemory {
		return
	}
	var oldest id.RoomID
	var when time.Time
	tried := 0
	for name, s := range r.rooms { // a sample of a random order is old enough
		select {
		case <-s.ready:
		default:
			continue
		}
		if s.room == nil {
			continue
		}
		if oldest == "" || s.used.Before(when) {
			oldest, when = name, s.used
		}
		if tried++; tried == 16 {
			break
		}
	}
	if oldest != "" && r.rooms[oldest].room.retireIdle() {
		delete(r.rooms, oldest)
	}
}

// Event returns an event by its id. Unknown events are M_NOT_FOUND.
func (r *Rooms) Event(ctx context.Context, ev id.EventID) (*Event, error) {
	if pos, ok := r.ids.Get(ev); ok {
		if e, ok := r.events.Get(pos); ok {
			return e, nil
		}
	}
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.ByID(ctx, tx, []id.EventID{ev})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(recs) == 0 || recs[0].Hidden&eventlog.Rejected != 0 {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such event.")
	}
	evs, err := r.materialise(ctx, recs)
	if err != nil {
		return nil, err
	}
	return evs[0], nil
}

// Events returns the events at positions that exist.
func (r *Rooms) Events(ctx context.Context, positions []matrix.Position) (map[matrix.Position]*Event, error) {
	out := make(map[matrix.Position]*Event, len(positions))
	var missing []matrix.Position
	for _, pos := range positions {
		if e, ok := r.events.Get(pos); ok {
			out[pos] = e
		} else {
			missing = append(missing, pos)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.ByPos(ctx, tx, missing)
		return err
	})
	if err != nil {
		return nil, err
	}
	evs, err := r.materialise(ctx, recs)
	for _, e := range evs {
		out[e.Pos] = e
	}
	return out, err
}

// materialise makes Events of records, those in memory already as they are.
func (r *Rooms) materialise(ctx context.Context, recs []eventlog.Record) ([]*Event, error) {
	out := make([]*Event, 0, len(recs))
	for _, rec := range recs {
		if e, ok := r.events.Get(rec.Pos); ok && e.RedactedBy >= rec.RedactedBy {
			out = append(out, e)
			continue
		}
		room, rules, err := r.rulesOf(ctx, rec.Room)
		if err != nil {
			return nil, err
		}
		e, err := fromRecord(rules, room, rec)
		if err != nil {
			return nil, err
		}
		out = append(out, r.recall(e))
	}
	return out, nil
}

func (r *Rooms) remember(e *Event) {
	r.events.Add(e.Pos, e)
	if !e.Outlier { // it may have got a place by now, under another number
		r.ids.Add(e.ID, e.Pos)
	}
}

// recall is remember for what was read from the log. Meanwhile the event may
// have been redacted; then that form is returned, and the older one dropped.
func (r *Rooms) recall(e *Event) *Event {
	if known, ok, _ := r.events.PeekOrAdd(e.Pos, e); ok && known.RedactedBy >= e.RedactedBy {
		return known
	}
	r.remember(e)
	return e
}

// rulesOf returns id and rules of the room numbered nid.
func (r *Rooms) rulesOf(ctx context.Context, nid int64) (id.RoomID, *event.Rules, error) {
	r.mu.Lock()
	name, ok := r.byNID[nid]
	r.mu.Unlock()
	if !ok {
		var row eventlog.RoomRow
		err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
			row, _, err = r.log.RoomByNID(ctx, tx, nid)
			return err
		})
		if err != nil {
			return "", nil, err
		}
		name = row.ID
	}
	rm, err := r.Room(ctx, name)
	if err != nil {
		return "", nil, err
	}
	return name, rm.rules, nil
}
