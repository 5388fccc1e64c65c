package push

import (
	"context"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// user is what is known of one user: their rules, and what they have not
// read. Its lock is held while it is brought up to date.
type user struct {
	id id.UserID

	mu      sync.Mutex
	book    *book                      // nil: to be read
	sets    map[id.RoomID]*set         // of book, as far as they were asked for
	tallies map[id.RoomID]*tally       // of rooms that were asked for
	noted   map[id.RoomID]store.Unread // what the database says of others; nil: to be read
}

// user returns what is known of a user.
func (p *Push) user(name id.UserID) *user {
	if u, ok := p.users.Get(name); ok {
		return u
	}
	u := &user{id: name, tallies: map[id.RoomID]*tally{}}
	if known, ok, _ := p.users.PeekOrAdd(name, u); ok {
		return known
	}
	return u
}

// forgetBook makes the rules of a user be read again, after they changed.
func (p *Push) forgetBook(name id.UserID) {
	u, ok := p.users.Peek(name)
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.book, u.sets = nil, nil
}

// setIn returns the rules of u that matter in room. The caller holds u.mu.
func (p *Push) setIn(ctx context.Context, u *user, room id.RoomID) (*set, error) {
	if s, ok := u.sets[room]; ok {
		return s, nil
	}
	if u.book == nil {
		b, err := p.readBook(ctx, u.id)
		if err != nil {
			return nil, err
		}
		u.book, u.sets = b, map[id.RoomID]*set{}
	}
	s, key := u.book.in(room)
	s = p.judgements.share(s, key)
	u.sets[room] = s
	return s, nil
}

// readBook returns the compiled rules of a user.
func (p *Push) readBook(ctx context.Context, name id.UserID) (*book, error) {
	stored, err := p.data.Stored(ctx, name, "", Type)
	if err != nil || stored == nil {
		return p.common, err
	}
	rules, err := parse(stored, p.defaults)
	if err != nil {
		return nil, err
	}
	return compile(rules, name, p.common), nil
}

// outcome returns what is to be done about e for a user with rules s.
func (p *Push) outcome(ctx context.Context, who *person, s *set, e *rooms.Event) (*outcome, error) {
	if e.Sender == who.user || e.RedactedBy != 0 {
		return none, nil
	}
	v, err := p.judgements.verdict(ctx, s, who.room, e)
	if err != nil {
		return none, err
	}
	o := v.of(who)
	if !o.Notify {
		return none, nil
	}
	deaf, err := p.isDeaf(ctx, who.user, e)
	if err != nil || deaf {
		return none, err
	}
	return o, nil
}

// isDeaf reports whether a user does not want to hear of e, whatever it says.
func (p *Push) isDeaf(ctx context.Context, user id.UserID, e *rooms.Event) (bool, error) {
	if e.Is("m.room.member", string(user)) && e.Membership() == "invite" {
		return p.data.HidesInvitation(ctx, user, e.Sender)
	}
	return p.data.IsIgnoring(ctx, user, e.Sender)
}

// readNoted reads what was noted of u. The caller holds u.mu.
func (p *Push) readNoted(ctx context.Context, u *user) error {
	if u.noted != nil {
		return nil
	}
	var list []store.Unread
	err := p.db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.UnreadOf(ctx, tx, u.id)
		return err
	})
	if err != nil {
		return err
	}
	u.noted = make(map[id.RoomID]store.Unread, len(list))
	for _, n := range list {
		u.noted[n.Room] = n
	}
	return nil
}
