package rooms

import (
	"context"
	"slices"
	"sort"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// visibility says who may read an event, given the memberships at that event.
//
// Spec: client-server-api#room-history-visibility
type visibility uint8

const (
	shared        visibility = iota // members, older history too; the default
	worldReadable                   // anyone
	invited                         // members, from their invite on
	joined                          // members, from their join on
)

// parseVisibility returns the default for what it does not understand.
func parseVisibility(word string) visibility {
	switch word {
	case "world_readable":
		return worldReadable
	case "invited":
		return invited
	case "joined":
		return joined
	}
	return shared
}

// isOpen reports whether being a member at any later time is enough.
func (v visibility) isOpen() bool { return v == shared || v == worldReadable }

// exposure is a room's visibility through time.
type exposure struct {
	spans []exposed // oldest first, never empty
	open  bool      // it was open to members all along
}

// exposed is a visibility in force from the event at pos on.
type exposed struct {
	pos matrix.Position
	is  visibility
}

// at returns the visibility after the event at pos.
func (x *exposure) at(pos matrix.Position) visibility {
	i := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].pos > pos })
	return x.spans[max(i-1, 0)].is
}

func (x *exposure) now() visibility { return x.spans[len(x.spans)-1].is }

// exposed returns the room's visibility through time. It is read once and then
// kept in memory until it changes.
func (rm *Room) exposed(ctx context.Context) (*exposure, error) {
	key := StateKey{"m.room.history_visibility", ""}
	rm.mu.RLock()
	x, version := rm.exposure, rm.state.get(key)
	rm.mu.RUnlock()
	if x != nil {
		return x, nil
	}
	x = &exposure{spans: []exposed{{minPos, shared}}, open: true}
	if version != nil {
		if err := rm.readExposure(ctx, key, x); err != nil {
			return nil, err
		}
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if rm.state.get(key) == version { // else it changed meanwhile
		rm.exposure = x
	}
	return x, nil
}

func (rm *Room) readExposure(ctx context.Context, key StateKey, x *exposure) error {
	var changes []eventlog.StateChange
	err := rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		changes, err = rm.r.log.KeyHistory(ctx, tx, rm.nid, key.Type, key.Key)
		return err
	})
	if err != nil {
		return err
	}
	var positions []matrix.Position
	for _, c := range changes {
		if c.Event != nil {
			positions = append(positions, *c.Event)
		}
	}
	evs, err := rm.r.Events(ctx, positions)
	if err != nil {
		return err
	}
	for _, c := range changes {
		is := shared
		if c.Event != nil && evs[*c.Event] != nil {
			is = parseVisibility(evs[*c.Event].Content().Get("history_visibility").Str)
		}
		x.spans = append(x.spans, exposed{c.Pos, is})
		x.open = x.open && is.isOpen()
	}
	if rm.since != 0 && len(x.spans) > 1 { // what was before this server was there, nobody tells
		x.spans[0].is = x.spans[1].is
	}
	return nil
}

// sight is what one user may see of a room.
type sight struct {
	rm   *Room
	user id.UserID
	seen *exposure

	is    eventlog.Membership // now; None also when the user forgot the room
	since matrix.Position     // from here on it was so
	upto  matrix.Position     // up to here the user was in the room, or joined it later; minPos: never
	past  []eventlog.MemberChange
	known bool // past is filled in
}

// sight returns what user, or "" for nobody, may see of the room. For most
// people and rooms it is told from memory.
func (rm *Room) sight(ctx context.Context, user id.UserID) (*sight, error) {
	seen, err := rm.exposed(ctx)
	if err != nil {
		return nil, err
	}
	s := &sight{rm: rm, user: user, seen: seen, upto: minPos, known: true}
	if user == "" {
		return s, nil
	}
	rm.mu.RLock()
	s.is = rm.members.is[user].is
	e := rm.state.get(StateKey{"m.room.member", string(user)})
	rm.mu.RUnlock()
	if s.is == eventlog.None || e == nil {
		s.is = eventlog.None
		return s, nil
	}
	s.since, s.known = e.pos, e.older == nil
	s.past = []eventlog.MemberChange{{Pos: s.since, Is: s.is}}
	if s.is == eventlog.Join {
		s.upto = maxPos
		return s, nil
	}
	return s, s.lookBack(ctx)
}

// lookBack finds out up to where somebody who is not in the room may see it.
func (s *sight) lookBack(ctx context.Context) error {
	m, err := s.rm.r.MembershipOf(ctx, s.user, s.rm.id)
	if err != nil {
		return err
	}
	if m.Forgotten {
		s.is, s.past, s.known = eventlog.None, nil, true
		return nil
	}
	if m.Pos == s.since && m.Prev == "join" {
		s.upto = s.since
		return nil
	}
	if err := s.remember(ctx); err != nil {
		return err
	}
	for i := len(s.past) - 1; i > 0; i-- {
		if s.past[i-1].Is == eventlog.Join {
			s.upto = s.past[i].Pos
			return nil
		}
	}
	return nil
}

// remember fills in the memberships that the user had.
func (s *sight) remember(ctx context.Context) error {
	if s.known {
		return nil
	}
	err := s.rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		s.past, err = s.rm.r.log.MemberHistory(ctx, tx, s.rm.nid, s.user)
		return err
	})
	s.known = err == nil
	return err
}

// membership returns the user's membership after the event at pos. Before
// since, it needs remember.
func (s *sight) membership(pos matrix.Position) eventlog.Membership {
	if s.is != eventlog.None && pos >= s.since {
		return s.is
	}
	i := sort.Search(len(s.past), func(i int) bool { return s.past[i].Pos > pos })
	if i == 0 {
		return eventlog.None
	}
	return s.past[i-1].Is
}

// isWhole reports whether the user may see everything.
func (s *sight) isWhole() bool { return s.is == eventlog.Join && s.seen.open }

// prepare makes allows tell the truth about events from position low on.
func (s *sight) prepare(ctx context.Context, low matrix.Position) error {
	if s.seen.open || s.is == eventlog.Join && low >= s.since {
		return nil
	}
	return s.remember(ctx)
}

// allows reports whether the user may see an event at pos, where v was the
// visibility and m their membership.
//
// Spec: client-server-api#room-history-visibility, rules 1 to 5
func (s *sight) allows(pos matrix.Position, v visibility, m eventlog.Membership) bool {
	switch {
	case v == worldReadable || m == eventlog.Join:
		return true
	case v == shared:
		return pos <= s.upto
	case v == invited:
		return m == eventlog.Invite && pos <= s.upto
	}
	return false
}

// sees reports whether the user may see e. Events that change who may see are
// shown to those who could see before or after them.
func (s *sight) sees(e *Event) bool {
	if e.Hidden() {
		return false
	}
	if s.isWhole() {
		return true
	}
	v, m := s.seen.at(e.Pos), s.membership(e.Pos)
	switch {
	case s.allows(e.Pos, v, m):
		return true
	case e.Is("m.room.history_visibility", ""):
		return s.allows(e.Pos, s.seen.at(e.Pos-1), m)
	case e.Is("m.room.member", string(s.user)):
		return s.allows(e.Pos, v, s.membership(e.Pos-1))
	}
	return false
}

// seesReplaced reports whether the user may see prev, which was state up to at.
// Where nobody knows when it was sent, what counts is who may see its end.
func (s *sight) seesReplaced(prev *Event, at matrix.Position) bool {
	if !prev.Outlier || prev.Rejected {
		return s.sees(prev)
	}
	return s.allows(at, s.seen.at(at), s.membership(at))
}

// filter returns those of evs that the user may see, in their order.
func (s *sight) filter(ctx context.Context, evs []*Event) ([]*Event, error) {
	if len(evs) == 0 {
		return evs, nil
	}
	if err := s.prepare(ctx, lowest(evs)); err != nil {
		return nil, err
	}
	for i, e := range evs {
		if s.sees(e) {
			continue
		}
		out := slices.Clone(evs[:i]) // callers share evs
		for _, e := range evs[i+1:] {
			if s.sees(e) {
				out = append(out, e)
			}
		}
		return out, nil
	}
	return evs, nil
}

func lowest(evs []*Event) matrix.Position {
	low := maxPos
	for _, e := range evs {
		low = min(low, e.Pos)
	}
	return low
}

// border returns the last position up to pos, or with back unset the first one
// behind it, at which what the user may see can be different; false when there
// is none.
func (s *sight) border(pos matrix.Position, back bool) (matrix.Position, bool) {
	best, found := matrix.Position(0), false
	try := func(p matrix.Position) {
		if p == minPos || back != (p <= pos) {
			return
		}
		if !found || back == (p > best) {
			best, found = p, true
		}
	}
	for _, x := range s.seen.spans {
		try(x.pos)
	}
	for _, m := range s.past {
		try(m.Pos)
	}
	return best, found
}

// seenFrom returns at, or the position after it from which on user may see what
// happens in the room.
func (rm *Room) seenFrom(ctx context.Context, user id.UserID, at matrix.Position) (matrix.Position, error) {
	s, err := rm.sight(ctx, user)
	if err != nil || s.isWhole() {
		return at, err
	}
	if err := s.remember(ctx); err != nil {
		return 0, err
	}
	for !s.allows(at, s.seen.at(at), s.membership(at)) {
		next, ok := s.border(at, false)
		if !ok {
			return maxPos, nil
		}
		at = next
	}
	return at, nil
}

// Visible returns those of evs, events of this room, that user may see, in
// their order. For a member of a room that always was open to members it costs
// nothing; otherwise at most one small query.
func (rm *Room) Visible(ctx context.Context, user id.UserID, evs []*Event) (_ []*Event, err error) {
	defer matrix.Wrap(&err, "visible events")
	if len(evs) == 0 {
		return evs, nil
	}
	s, err := rm.sight(ctx, user)
	if err != nil {
		return nil, err
	}
	return s.filter(ctx, evs)
}

// VisibleAt is Visible for positions of messages, which need not be read for it.
// It is not for events of memberships and visibility: those show to more people.
func (rm *Room) VisibleAt(ctx context.Context, user id.UserID, positions []matrix.Position) (_ []matrix.Position, err error) {
	defer matrix.Wrap(&err, "visible positions")
	if len(positions) == 0 {
		return nil, nil
	}
	s, err := rm.sight(ctx, user)
	if err != nil || s.isWhole() {
		return positions, err
	}
	if err := s.prepare(ctx, slices.Min(positions)); err != nil {
		return nil, err
	}
	out := make([]matrix.Position, 0, len(positions))
	for _, pos := range positions {
		if s.allows(pos, s.seen.at(pos), s.membership(pos)) {
			out = append(out, pos)
		}
	}
	return out, nil
}

// Reach is how far into a room's present somebody may look.
type Reach struct {
	// Upto is where the events end that may be read. Events before may still
	// be hidden one by one; Visible tells.
	Upto matrix.Position
	// State is after which position the state of the room may be read.
	State matrix.Position
}

// Reach returns how far user may look: without an end for members and, in a
// room that is world readable, for everybody; up to their leaving for those who
// left. Everybody else, and whoever forgot the room, is M_FORBIDDEN.
func (rm *Room) Reach(ctx context.Context, user id.UserID) (Reach, error) {
	s, err := rm.sight(ctx, user)
	if err != nil {
		return Reach{}, err
	}
	return s.reach()
}

func (s *sight) reach() (Reach, error) {
	r := Reach{Upto: s.upto, State: s.upto}
	if s.seen.now() == worldReadable {
		r.Upto = maxPos
		if s.upto == minPos {
			r.State = maxPos
		}
	}
	if r.Upto == minPos {
		return Reach{}, errNotInRoom()
	}
	return r, nil
}
