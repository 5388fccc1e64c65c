package e2ee

import (
	"context"
	"log/slog"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/remotedevices"
)

const (
	maxResyncs  = 1000 // lists that wait to be asked for anew; others are asked for when somebody wants them
	resyncers   = 4
	forgetChunk = 1000
)

// Run asks for lists of users of other servers again that are known to be out
// of date, and forgets those that nobody keeps up to date any more, until ctx
// ends.
func (k *Keys) Run(ctx context.Context) error {
	if k.opt.Peers == nil {
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	for range resyncers {
		all.Go(func() { k.keepAsking(ctx) })
	}
	err := k.rooms.Follow(ctx, k.from, func(evs []*rooms.Event) error {
		for _, e := range evs {
			if e.Type != "m.room.member" || e.StateKey == nil {
				continue
			}
			if err := k.met(ctx, e); err != nil && ctx.Err() == nil {
				k.log.LogAttrs(ctx, slog.LevelError, "device lists of other servers may be out of date", slog.Any("err", err))
			}
		}
		return nil
	})
	all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// catchUp lets the list of a user be asked for in the background.
func (k *Keys) catchUp(user id.UserID) {
	select {
	case k.resync <- user:
	default: // when somebody wants it
	}
}

func (k *Keys) keepAsking(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case user := <-k.resync:
			if err := k.askAgain(ctx, user); err != nil && ctx.Err() == nil {
				k.log.LogAttrs(ctx, slog.LevelDebug, "the devices of a user of another server are unknown", slog.String("server", user.Homeserver()), slog.Any("err", err))
			}
		}
	}
}

// askAgain asks for the whole list of a user, unless it is fresh by now. What
// was told when somebody asked for keys lacks the number that updates go on from.
//
// Spec: server-server-api#device-management
func (k *Keys) askAgain(ctx context.Context, user id.UserID) error {
	who, err := k.person(ctx, user)
	if err != nil {
		return err
	}
	tracked, fresh, err := k.isFresh(ctx, user, who)
	if err != nil || !tracked || fresh && who.remote.stream > 0 {
		return err
	}
	done, err := k.asking.take(ctx, user.Homeserver())
	if err != nil {
		return err
	}
	defer done()
	heard, _ := k.heard.Get(user)
	pos := k.db.Committed()
	list, err := k.opt.Peers.UserDevices(ctx, user)
	if err != nil {
		return err
	}
	list.User = user
	list = list.checked()
	return k.keep(ctx, pos, []id.UserID{user}, func(id.UserID) *UserDevices { return list }, func(id.UserID) uint64 { return heard })
}

// met forgets lists that nobody keeps up to date any more: of a user of
// another server who has gone, and of all in a room whose last user of this
// server has gone, or whose first one has come.
func (k *Keys) met(ctx context.Context, e *rooms.Event) error {
	user := id.UserID(*e.StateKey)
	if !k.isLocal(user) {
		if e.Membership() == "join" {
			return nil
		}
		return k.forgetAbroad(ctx, []id.UserID{user})
	}
	rm, err := k.rooms.Room(ctx, e.Room)
	if err != nil {
		return err
	}
	if e.Membership() == "join" && (rm.LocalMembers() > 1 || k.stayed(ctx, e)) {
		return nil
	}
	if e.Membership() != "join" && rm.LocalMembers() > 0 {
		return nil
	}
	var abroad []id.UserID
	for _, other := range rm.Members("join") {
		if !k.isLocal(other) {
			abroad = append(abroad, other)
		}
	}
	for len(abroad) > 0 {
		n := min(len(abroad), forgetChunk)
		if err := k.forgetAbroad(ctx, abroad[:n]); err != nil {
			return err
		}
		abroad = abroad[n:]
	}
	return nil
}

// stayed reports whether a join only shows something else of a member.
func (k *Keys) stayed(ctx context.Context, e *rooms.Event) bool {
	if e.Replaces == 0 {
		return false
	}
	before, err := k.rooms.Events(ctx, []matrix.Position{e.Replaces})
	return err == nil && before[e.Replaces] != nil && before[e.Replaces].Membership() == "join"
}

// forgetAbroad forgets the lists of those users with whom nobody here has
// shared another room since they were asked for.
func (k *Keys) forgetAbroad(ctx context.Context, users []id.UserID) error {
	var gone []id.UserID
	for _, user := range users {
		who, err := k.person(ctx, user)
		if err != nil {
			return err
		}
		if who.remote == nil {
			continue
		}
		if _, tracked, err := k.rooms.Tracked(ctx, user); err != nil {
			return err
		} else if tracked && k.sharesAnother(ctx, user) {
			continue
		}
		gone = append(gone, user)
	}
	if len(gone) == 0 {
		return nil
	}
	return k.db.Write(ctx, func(tx *storage.Tx) error {
		tx.OnCommit(func() {
			for _, user := range gone {
				k.forget(user)
			}
		})
		return remotedevices.Forget(ctx, tx, gone)
	})
}

// sharesAnother reports whether user is in more than one room with users of
// this server, so that the list was kept up to date by one that stays.
func (k *Keys) sharesAnother(ctx context.Context, user id.UserID) bool {
	joined, err := k.rooms.JoinedRooms(ctx, user)
	if err != nil {
		return false
	}
	n := 0
	for _, room := range joined {
		if rm, err := k.rooms.Room(ctx, room); err == nil && rm.LocalMembers() > 0 {
			n++
		}
	}
	return n > 1
}
