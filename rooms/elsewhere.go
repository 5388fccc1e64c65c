package rooms

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// ensure returns a room, which from now on this server knows by name: somebody
// was invited there, knocks or is about to join.
func (r *Rooms) ensure(ctx context.Context, room id.RoomID, rules *event.Rules) (*Room, error) {
	rm, err := r.Room(ctx, room)
	if !matrix.IsCode(err, matrix.NotFound) {
		if err == nil && rm.rules != rules {
			return nil, matrix.Errorf(matrix.IncompatibleRoomVersion, "The room has version %s, not %s.", rm.rules.Version, rules.Version)
		}
		return rm, err
	}
	err = r.db.Write(ctx, func(tx *storage.Tx) error {
		if _, ok, err := r.log.Room(ctx, tx, room); err != nil || ok {
			return err
		}
		_, err := r.log.AddRoom(ctx, tx, room, rules.Version, r.opt.Now().UnixMilli())
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.Room(ctx, room)
}

// noteMember notes a membership of a user of this server in a room that nobody
// of this server is in: the event has no place there that is known.
func (r *Rooms) noteMember(ctx context.Context, rm *Room, p *event.PDU, stripped json.RawMessage) error {
	user := id.UserID(*p.StateKey)
	was, err := r.MembershipOf(ctx, user, rm.id)
	if err != nil {
		return err
	}
	known, err := r.eventsByID(ctx, []id.EventID{p.ID})
	if err != nil || known[p.ID] != nil {
		return err
	}
	e := newEvent(p, rm.id)
	if is := e.Membership(); is == "leave" || is == "ban" {
		return rm.noteEnd(ctx, e, was)
	}
	e.Outlier = true
	m := &eventlog.MembershipWrite{User: user, Is: eventlog.ParseMembership(e.Membership()), Was: eventlog.ParseMembership(was.Membership), Stripped: stripped}
	b := &batch{events: []*Event{e}, entries: []*eventlog.Entry{{
		Room: rm.nid, ID: e.ID, Type: e.Type, StateKey: e.StateKey, Sender: e.Sender, TS: e.TS, JSON: e.PDU, Hidden: eventlog.Outlier, Membership: m,
	}}}
	return r.db.Write(ctx, func(tx *storage.Tx) error {
		pos, err := r.log.Append(ctx, tx, b.entries[0])
		if err != nil {
			return err
		}
		e.Pos = pos
		tx.Wake(UserTopic(user))
		tx.OnCommit(func() {
			r.remember(e)
			r.users.apply(rm, b)
		})
		return nil
	})
}

// noteEnd notes that it came to nothing: a room that nobody of this server is in
// ends for the user with e, which they get to see.
func (rm *Room) noteEnd(ctx context.Context, e *Event, was Membership) error {
	w := &rm.write
	w.Lock()
	if w.dead {
		w.Unlock()
		return errRetired // asking once more finds the room as it is
	}
	v := &view{ctx: ctx, rm: rm, heads: []head{{e.ID, e.Depth}}}
	prev := v.stateOf(e)
	b := &batch{n: w.queued + 1, events: []*Event{e}, prevs: []*Event{prev}}
	entry := v.entry(e, &draft{}, prev)
	entry.Membership.Was = eventlog.ParseMembership(was.Membership)
	b.entries = []*eventlog.Entry{entry}
	if v.err != nil {
		w.Unlock()
		return v.err
	}
	v.put(e)
	commit := rm.submit(v, b)
	w.Unlock()
	_, err := rm.settle(ctx, b, commit)
	return err
}

// fromTemplate makes the member event of which another server sent a template.
func (r *Rooms) fromTemplate(room id.RoomID, user id.UserID, t *MemberTemplate, content json.RawMessage) (*event.PDU, error) {
	version := t.Version
	if version == "" {
		version = "1"
	}
	rules, ok := event.RulesFor(version)
	if !ok {
		return nil, matrix.Errorf(matrix.IncompatibleRoomVersion, "The room has version %q, which this server does not know.", version)
	}
	proto := gjson.ParseBytes(t.Event)
	if !proto.IsObject() {
		return nil, errNoTemplate
	}
	if via := proto.Get("content." + authorisedVia).Str; via != "" {
		var err error
		if content, err = replaceText(content, authorisedVia, via); err != nil {
			return nil, err
		}
	}
	key := string(user)
	d := event.Draft{
		Room: room, Sender: user, Type: "m.room.member", StateKey: &key, Content: content,
		TS: r.opt.Now().UnixMilli(), Depth: min(max(proto.Get("depth").Int(), 1), event.MaxDepth),
		Prev: refs(proto.Get("prev_events")), Auth: refs(proto.Get("auth_events")),
	}
	return event.Build(rules, d, r.opt.Signer)
}

var errNoTemplate = errors.New("the other server sent no template of an event")

// refs reads a list of event ids, in room versions 1 and 2 of pairs of id and hash.
func refs(list gjson.Result) []id.EventID {
	var out []id.EventID
	for _, v := range list.Array() {
		if v.IsArray() {
			v = v.Get("0")
		}
		if v.Str != "" && len(out) < event.MaxPrev {
			out = append(out, id.EventID(v.Str))
		}
	}
	return out
}

// isElsewhere reports whether the room has to be entered through another
// server: nobody of this one is in it, and others are, or nothing is known.
func (r *Rooms) isElsewhere(ctx context.Context, room id.RoomID) (bool, error) {
	if r.opt.Peers == nil {
		return false, nil
	}
	if err := checkRoomID(room); err != nil {
		return false, err
	}
	rm, err := r.Room(ctx, room)
	if matrix.IsCode(err, matrix.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if rm.isResident() {
		return false, nil
	}
	return rm.current(StateKey{"m.room.create", ""}) == 0 || len(rm.servers()) > 0, nil
}

// ways lists the servers through which user may get into the room: those that
// are named, whoever invited them, and those that were in the room.
func (r *Rooms) ways(ctx context.Context, user id.UserID, room id.RoomID, via []string) ([]string, error) {
	m, err := r.MembershipOf(ctx, user, room)
	if err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{r.opt.ServerName: true, "": true}
	add := func(s string) {
		if !seen[s] && len(out) < 20 {
			seen[s] = true
			out = append(out, s)
		}
	}
	if m.Membership == "invite" {
		add(m.Sender.Homeserver())
	}
	for _, s := range via {
		add(s)
	}
	if rm, err := r.Room(ctx, room); err == nil && len(out) == 0 { // who names servers means those
		for _, s := range rm.servers() {
			add(s)
		}
	}
	if _, server, ok := cutServer(room); ok && len(out) == 0 {
		add(server) // nothing says that it is in the room, but it was once
	}
	return out, nil
}

// cutServer splits an id of before room version 12 at its server.
func cutServer(room id.RoomID) (name, server string, ok bool) {
	for i := range len(room) {
		if room[i] == ':' {
			return string(room[:i]), string(room[i+1:]), true
		}
	}
	return string(room), "", false
}
