package outbox

import (
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/outbox"
)

// peer is what waits for one server. Outbox.mu guards it.
type peer struct {
	server string

	// Where it stands.
	lined    bool // waits for a worker
	sending  bool // a worker is at it
	failures int  // in a row
	until    time.Time
	timer    *time.Timer
	most     int // events in one transaction, after the peer refused more; 0: no limit of its own

	// Events: at first the newest of each room of which too much waited, then
	// those in the queue.
	queue    []outbox.Ref
	rooms    map[id.RoomID]matrix.Position
	overflew int // how often queue became rooms

	lists map[id.UserID]list
	mail  mail

	typing   map[typist]bool
	receipts map[reading]receipt
	presence map[id.UserID]matrix.EDU

	failed *parcel // that has to be sent again

	// What the database does not know yet, and what it knows.
	queueChanged, queueSaved bool
	roomsChanged             map[id.RoomID]struct{}
	listsChanged             map[id.UserID]struct{}
	roomsSaved, listsSaved   bool
}

// list is how much of a user's device list a server knows.
type list struct {
	since matrix.Position
	n     int // of its changes, to notice one while an update is under way
}

// mail is how many messages between devices wait.
type mail struct {
	count int
	sent  matrix.Position // up to here they have arrived
}

// away reports whether the peer is left alone now.
func (p *peer) away(now time.Time) bool { return now.Before(p.until) }

// lasting reports whether something waits that must arrive.
func (p *peer) lasting() bool {
	return len(p.queue) > 0 || len(p.rooms) > 0 || len(p.lists) > 0 || p.mail.count > 0 || p.failed != nil
}

// urgent reports whether something waits that does not wait for company.
func (p *peer) urgent() bool { return p.lasting() || len(p.typing) > 0 }

// idle reports whether nothing waits.
func (p *peer) idle() bool { return !p.urgent() && len(p.receipts) == 0 && len(p.presence) == 0 }

func (p *peer) setTimer(t *time.Timer) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = t
}

// add lets an event wait. The caller nudges the peer.
func (o *Outbox) add(p *peer, ref outbox.Ref) {
	o.changed(p)
	if p.rooms != nil && p.away(o.opt.Now()) {
		p.setRoom(ref.Room, ref.Pos)
		return
	}
	p.queue = append(p.queue, ref)
	p.queueChanged = true
	o.refs++
	if len(p.queue) > o.opt.MaxQueue || o.refs > o.opt.MaxRefs && p.away(o.opt.Now()) {
		o.overflow(p)
	}
}

// overflow gives up to send every event that waits for a peer: of each room,
// the newest one is enough for the peer to see that it lacks others, and to
// ask for as many as it wants.
//
// Spec: server-server-api#retrieving-events
func (o *Outbox) overflow(p *peer) {
	if p.rooms == nil {
		p.rooms = map[id.RoomID]matrix.Position{}
	}
	for _, ref := range p.queue {
		p.setRoom(ref.Room, ref.Pos)
	}
	o.refs -= len(p.queue)
	p.queue, p.queueChanged = nil, true
	p.failed = nil // what was to be sent again is not what will be sent
	p.overflew++
	o.stats.overflows.Add(1)
}

func (p *peer) setRoom(room id.RoomID, pos matrix.Position) {
	if pos == 0 {
		delete(p.rooms, room)
	} else {
		p.rooms[room] = pos
	}
	p.setRoomChanged(room)
}

func (p *peer) setRoomChanged(room id.RoomID) {
	if p.roomsChanged == nil {
		p.roomsChanged = map[id.RoomID]struct{}{}
	}
	p.roomsChanged[room] = struct{}{}
}

// arrived takes away events that a peer has got.
func (o *Outbox) arrived(p *peer, c *parcel) {
	if len(c.events) == 0 {
		return
	}
	o.changed(p)
	if c.fromRooms || c.overflew != p.overflew {
		for _, ref := range c.events {
			if p.rooms[ref.Room] == ref.Pos {
				p.setRoom(ref.Room, 0)
			}
		}
		if len(p.rooms) == 0 {
			p.rooms = nil
		}
		return
	}
	n := len(c.events)
	o.refs -= n
	p.queue = slices.Delete(p.queue, 0, n)
	p.queueChanged = true
	if len(p.queue) == 0 {
		p.queue = nil
	}
}

// setList notes what a peer knows of the devices of user.
func (p *peer) setList(user id.UserID, l list) {
	if p.lists == nil {
		p.lists = map[id.UserID]list{}
	}
	p.lists[user] = l
	p.listChanged(user)
}

func (p *peer) listChanged(user id.UserID) {
	if p.listsChanged == nil {
		p.listsChanged = map[id.UserID]struct{}{}
	}
	p.listsChanged[user] = struct{}{}
}

// drop forgets all that waits for a peer. The caller holds mu.
func (o *Outbox) drop(p *peer) {
	o.changed(p)
	o.refs -= len(p.queue)
	o.ephemeral -= len(p.receipts)
	for room := range p.rooms {
		p.setRoomChanged(room)
	}
	for user := range p.lists {
		p.listChanged(user)
	}
	p.queue, p.queueChanged, p.rooms, p.lists = nil, true, nil, nil
	p.typing, p.receipts, p.presence = nil, nil, nil
	p.failed, p.until, p.failures = nil, time.Time{}, 0
	p.overflew++
	if p.mail.count > 0 {
		p.mail.count = 0
		o.dropMail(p.server, 0)
	}
}

// changed notes that a peer is to be saved.
func (o *Outbox) changed(p *peer) { o.dirty[p] = struct{}{} }

// forget drops a peer for whom nothing waits any more. The caller holds mu.
func (o *Outbox) forget(p *peer) {
	if _, dirty := o.dirty[p]; dirty || !p.idle() || p.sending || p.lined {
		return
	}
	p.setTimer(nil)
	if o.peers[p.server] == p {
		delete(o.peers, p.server)
	}
}
