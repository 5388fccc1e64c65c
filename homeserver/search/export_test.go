package search

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/homeserver/search/words"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/search"
)

// RunUntilCrash is Run for a process that ends without a word.
func (s *Search) RunUntilCrash(ctx context.Context) error {
	from, err := s.cursor(ctx)
	if err != nil {
		return err
	}
	f := &follower{s: s, ctx: ctx, saved: from}
	return s.rooms.Follow(ctx, from, f.take)
}

// OnDisk returns how many documents with a word of query are on the disk in
// rooms, whoever may see them.
func (s *Search) OnDisk(ctx context.Context, query string, rooms ...id.RoomID) (n int, err error) {
	q := index.Question{Terms: words.ParseQuery(query).Terms(), Fields: [index.Fields]bool{true, true, true}}
	var pages []store.Page
	err = s.db.Read(ctx, func(tx *storage.Tx) (err error) {
		pages, err = store.Pages(ctx, tx, rooms, q.Shelves())
		return err
	})
	for _, st := range stretches(pages) {
		hits, err := q.Search(st.low, st.pages)
		if err != nil {
			return 0, err
		}
		n += len(hits)
	}
	return n, err
}

// Damage makes a page unreadable.
func (s *Search) Damage(ctx context.Context, room id.RoomID) error {
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return store.Replace(ctx, tx, room, 1, []store.Page{{High: 1 << 60, Words: []byte{9, 9, 9}}})
	})
}

// Settle waits until the index knows everything up to pos.
func (s *Search) Settle(ctx context.Context, pos matrix.Position) error {
	return s.seen.reach(ctx, pos)
}
