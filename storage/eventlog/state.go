package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Membership is the membership of a user in a room.
type Membership int16

// Memberships, as stored. None stands for a user who never was there.
const (
	None Membership = iota
	Join
	Invite
	Knock
	Leave
	Ban
)

var membershipNames = [...]string{"", "join", "invite", "knock", "leave", "ban"}

// String returns the word of the specification, or "" for None.
func (m Membership) String() string { return membershipNames[m] }

// ParseMembership returns None for a word that is no membership.
func ParseMembership(s string) Membership {
	for i, name := range membershipNames {
		if name == s {
			return Membership(i)
		}
	}
	return None
}

func (l *Log) writeState(ctx context.Context, tx *storage.Tx, e *Entry, typ int64, pos matrix.Position) error {
	key, err := l.names.intern(ctx, tx, *e.StateKey)
	if err != nil {
		return err
	}
	var membership Membership
	if e.Membership != nil {
		membership = e.Membership.Is
	}
	if err := tx.Exec(ctx, `INSERT INTO state (room, type, state_key, event, changed, membership) VALUES ($1, $2, $3, $4, $4, $5)
		ON CONFLICT (room, type, state_key) DO UPDATE SET event = excluded.event, changed = excluded.changed, membership = excluded.membership`,
		e.Room, typ, key, pos, membership); err != nil {
		return err
	}
	return tx.Exec(ctx, `INSERT INTO state_change (room, pos, type, state_key, event, prev, membership) VALUES ($1, $2, $3, $4, $2, $5, $6)`,
		e.Room, pos, typ, key, optional(e.State.Prev), membership)
}

func optional(pos matrix.Position) *matrix.Position {
	if pos == 0 {
		return nil
	}
	return &pos
}

// StateRow is one entry of a room's current state.
type StateRow struct {
	Type, Key  string
	Event      matrix.Position
	Changed    matrix.Position
	Membership Membership
}

// State streams the current state of room, oldest change first.
func (l *Log) State(ctx context.Context, tx *storage.Tx, room int64, fn func(StateRow) error) error {
	return storage.Each(ctx, tx, fn, `SELECT t.text, k.text, s.event, s.changed, s.membership FROM state s
		JOIN name t ON t.nid = s.type JOIN name k ON k.nid = s.state_key
		WHERE s.room = $1 ORDER BY s.changed`, room)
}

// StateChange is a change of a room's current state.
type StateChange struct {
	Pos         matrix.Position
	Type, Key   string
	Event, Prev *matrix.Position
}

const changeColumns = `SELECT c.pos, t.text, k.text, c.event, c.prev FROM state_change c
	JOIN name t ON t.nid = c.type JOIN name k ON k.nid = c.state_key `

// StateChanges returns the changes of room's state with after < position <= upto, oldest first.
func (l *Log) StateChanges(ctx context.Context, tx *storage.Tx, room int64, after, upto matrix.Position) ([]StateChange, error) {
	return storage.Select[StateChange](ctx, tx, changeColumns+`WHERE c.room = $1 AND c.pos > $2 AND c.pos <= $3 ORDER BY c.pos`, room, after, upto)
}

// KeyHistory returns every change of one entry of room's state, oldest first.
func (l *Log) KeyHistory(ctx context.Context, tx *storage.Tx, room int64, typ, key string) ([]StateChange, error) {
	t, ok, err := l.names.find(ctx, tx, typ)
	if err != nil || !ok {
		return nil, err
	}
	k, ok, err := l.names.find(ctx, tx, key)
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[StateChange](ctx, tx, changeColumns+`WHERE c.room = $1 AND c.type = $2 AND c.state_key = $3 ORDER BY c.pos`, room, t, k)
}

// MemberChange says that a user's membership in a room was so from Pos on.
type MemberChange struct {
	Pos matrix.Position
	Is  Membership
}

// MemberHistory returns the memberships of user in room, oldest first.
func (l *Log) MemberHistory(ctx context.Context, tx *storage.Tx, room int64, user id.UserID) ([]MemberChange, error) {
	typ, ok, err := l.names.find(ctx, tx, "m.room.member")
	if err != nil || !ok {
		return nil, err
	}
	key, ok, err := l.names.find(ctx, tx, string(user))
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[MemberChange](ctx, tx, `SELECT pos, membership FROM state_change
		WHERE room = $1 AND type = $2 AND state_key = $3 ORDER BY pos`, room, typ, key)
}

// MembershipWrite is a change of a user's membership that an entry makes.
type MembershipWrite struct {
	User     id.UserID
	Is, Was  Membership
	Stripped []byte // for an invite or a knock: what the user may see of the room
}

func (l *Log) writeMembership(ctx context.Context, tx *storage.Tx, e *Entry, sender int64, pos matrix.Position) error {
	user, err := l.names.intern(ctx, tx, string(e.Membership.User))
	if err != nil {
		return err
	}
	m := e.Membership
	return tx.Exec(ctx, upsertMembership, user, e.Room, m.Is, m.Was, pos, pos, sender, m.Stripped)
}

const upsertMembership = `INSERT INTO membership (user_nid, room, membership, prev, event, pos, sender, stripped) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (user_nid, room) DO UPDATE SET membership = excluded.membership, prev = excluded.prev, event = excluded.event,
	pos = excluded.pos, sender = excluded.sender, forgotten = 0, stripped = excluded.stripped`

// MembershipRow is a user's membership in one room.
type MembershipRow struct {
	Room      id.RoomID
	Is, Was   Membership
	Pos       matrix.Position
	Sender    id.UserID
	Forgotten bool
	Stripped  []byte
}

// Memberships returns the rooms that user has or had to do with.
func (l *Log) Memberships(ctx context.Context, tx *storage.Tx, user id.UserID) ([]MembershipRow, error) {
	nid, ok, err := l.names.find(ctx, tx, string(user))
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[MembershipRow](ctx, tx, `SELECT r.room_id, m.membership, m.prev, m.pos, s.text, m.forgotten, m.stripped
		FROM membership m JOIN room r ON r.nid = m.room JOIN name s ON s.nid = m.sender WHERE m.user_nid = $1`, nid)
}

// Forget marks room as forgotten by user until the next change of membership.
func (l *Log) Forget(ctx context.Context, tx *storage.Tx, user id.UserID, room int64) error {
	nid, err := l.names.intern(ctx, tx, string(user))
	if err != nil {
		return err
	}
	return tx.Exec(ctx, `UPDATE membership SET forgotten = 1 WHERE user_nid = $1 AND room = $2`, nid, room)
}
