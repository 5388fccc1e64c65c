package search

import (
	"context"
	"fmt"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/search"
)

// goneWithin is how long Gone waits for the index to take in what was said. It
// is called again after a failure.
const goneWithin = time.Minute

// Gone removes what an account has said from the index, when that is erased.
// Nobody finds it then, not even who was there when it was said.
func (s *Search) Gone(ctx context.Context, user id.UserID, erase bool) (err error) {
	if s.opt.Off || !erase {
		return nil
	}
	defer matrix.Wrap(&err, "remove from the search index")
	all, err := s.rooms.MembershipsOf(ctx, user)
	if err != nil {
		return err
	}
	var last matrix.Position
	for _, m := range all {
		rm, err := s.rooms.Room(ctx, m.Room)
		if matrix.IsCode(err, matrix.NotFound) { // they never were in it
			continue
		}
		if err != nil {
			return err
		}
		last = max(last, rm.LastPos())
	}
	if err := s.caughtUp(ctx, last); err != nil {
		return err
	}
	for _, m := range all {
		if err := s.forget(ctx, m.Room, user); err != nil {
			return err
		}
	}
	return nil
}

func (s *Search) caughtUp(ctx context.Context, pos matrix.Position) error {
	ctx, cancel := context.WithTimeout(ctx, goneWithin)
	defer cancel()
	if err := s.seen.reach(ctx, pos); err != nil {
		return fmt.Errorf("the index is behind: %w", err)
	}
	return nil
}

// forget removes what a user has said in a room, one stretch after the other.
func (s *Search) forget(ctx context.Context, room id.RoomID, user id.UserID) error {
	s.taking.Lock()
	defer s.taking.Unlock()
	f := &follower{s: s, ctx: ctx}
	for _, d := range s.recent.of(room).documents() {
		if d.Sender == user {
			s.recent.put(room, d.Pos, nil)
		}
	}
	var pages []store.Page
	err := s.db.Read(ctx, func(tx *storage.Tx) (err error) {
		pages, err = store.Pages(ctx, tx, []id.RoomID{room}, index.MarkShelves())
		return err
	})
	if err != nil {
		return err
	}
	for _, st := range stretches(pages) {
		sent, err := index.SentBy(st.low, user, st.pages)
		if err != nil {
			return err
		}
		if len(sent) == 0 {
			continue
		}
		for _, pos := range sent {
			s.recent.put(room, pos, nil)
		}
		if err := f.saveRoom(room); err != nil {
			return err
		}
	}
	return nil
}
