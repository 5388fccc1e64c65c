package search

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/search"
)

// cursorName is the fact about the database that says up to where the index on
// the disk is complete.
const cursorName = "search.cursor"

// Run keeps the index until ctx ends. At its end, everything is on the disk.
func (s *Search) Run(ctx context.Context) error {
	if s.opt.Off {
		return s.reset(ctx)
	}
	err := s.follow(ctx)
	for errors.Is(err, index.ErrDamaged) {
		s.seen.set(0)
		s.log.LogAttrs(ctx, slog.LevelError, "the index for searching is damaged and built anew", slog.Any("err", err))
		if err = s.reset(ctx); err == nil {
			err = s.follow(ctx)
		}
	}
	return err
}

// follow takes in what happens, from the cursor on.
func (s *Search) follow(ctx context.Context) error {
	from, err := s.cursor(ctx)
	if err != nil {
		return err
	}
	s.seen.set(from)
	f := &follower{s: s, ctx: ctx, saved: from}
	if err := s.rooms.Follow(ctx, from, f.take); ctx.Err() == nil {
		return err
	}
	f.ctx = context.WithoutCancel(ctx)
	s.taking.Lock()
	defer s.taking.Unlock()
	return f.save()
}

// cursor returns the position after which events are not in the index on the
// disk.
func (s *Search) cursor(ctx context.Context) (at matrix.Position, err error) {
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		text, ok, err := storage.Meta(ctx, tx, cursorName)
		if err != nil || !ok {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		at = matrix.Position(n)
		return err
	})
	return at, err
}

func setCursor(ctx context.Context, tx *storage.Tx, pos matrix.Position) error {
	return storage.SetMeta(ctx, tx, cursorName, strconv.FormatInt(int64(pos), 10))
}

// reset removes the index, so that the next one begins with the first event.
func (s *Search) reset(ctx context.Context) error {
	s.recent.clear()
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		if err := store.DropAll(ctx, tx); err != nil {
			return err
		}
		return setCursor(ctx, tx, 0)
	})
}

// follower takes in events for the index, one after the other.
type follower struct {
	s     *Search
	ctx   context.Context // of Run
	saved matrix.Position // up to here, all is on the disk
	count int             // events since then
}

// take takes in events.
func (f *follower) take(evs []*rooms.Event) error {
	f.s.taking.Lock()
	defer f.s.taking.Unlock()
	if f.s.broken.Swap(false) {
		return index.ErrDamaged
	}
	for _, e := range evs {
		if err := f.takeOne(e); err != nil {
			return err
		}
	}
	last := evs[len(evs)-1].Pos
	f.s.seen.set(last)
	if f.count += len(evs); f.count < f.s.opt.Unsaved {
		return nil
	}
	return f.save()
}
