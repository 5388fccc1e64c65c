package search

import (
	"context"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/search"
)

// maxWrite is about how many bytes one transaction writes: others wait for it.
const maxWrite = 256 << 10

// rewritten is a stretch as it is to be stored.
type rewritten struct {
	room  id.RoomID
	low   matrix.Position
	pages []store.Page
	size  int
}

// save brings everything to the disk, and moves the cursor.
func (f *follower) save() error {
	at, _ := f.s.seen.at()
	if at == f.saved {
		return nil
	}
	list := f.s.recent.list()
	var todo []rewritten
	size := 0
	for _, room := range list {
		more, err := f.s.rewrite(f.ctx, room)
		if err != nil {
			return err
		}
		for _, w := range more {
			if size += w.size; size > maxWrite {
				if err := f.s.write(f.ctx, todo, 0); err != nil {
					return err
				}
				todo, size = nil, w.size
			}
			todo = append(todo, w)
		}
	}
	if err := f.s.write(f.ctx, todo, at); err != nil {
		return err
	}
	f.s.recent.drop(list...)
	f.saved, f.count = at, 0
	return nil
}

// saveRoom brings what is known of one room to the disk. The cursor stays:
// what comes after it can be taken in again.
func (f *follower) saveRoom(room id.RoomID) error {
	todo, err := f.s.rewrite(f.ctx, room)
	if err != nil {
		return err
	}
	if err := f.s.write(f.ctx, todo, 0); err != nil {
		return err
	}
	f.s.recent.drop(room)
	return nil
}

// write stores stretches, and the cursor if it is not 0.
func (s *Search) write(ctx context.Context, todo []rewritten, cursor matrix.Position) error {
	if len(todo) == 0 && cursor == 0 {
		return nil
	}
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, w := range todo {
			if err := store.Replace(ctx, tx, w.room, w.low, w.pages); err != nil {
				return err
			}
		}
		if cursor == 0 {
			return nil
		}
		return setCursor(ctx, tx, cursor)
	})
}

// rewrite returns the stretches of room in which something changes.
func (s *Search) rewrite(ctx context.Context, room id.RoomID) (out []rewritten, err error) {
	todo := s.recent.of(room)
	positions := todo.positions()
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		r := rewriter{ctx: ctx, tx: tx, room: room, todo: todo, left: positions}
		for len(r.left) > 0 {
			if err := r.next(); err != nil {
				return err
			}
		}
		out = r.out
		return nil
	})
	return out, err
}

// rewriter makes changes of a room, from the oldest to the newest position.
type rewriter struct {
	ctx  context.Context
	tx   *storage.Tx
	room id.RoomID
	todo changes
	left []matrix.Position // of changes that are not made yet
	out  []rewritten
}

// next makes the changes of one stretch.
func (r *rewriter) next() error {
	st, upto, err := r.open(r.left[0])
	if err != nil {
		return err
	}
	if st == nil {
		r.left = r.left[1:]
		return nil
	}
	r.replace(st)
	for len(r.left) > 0 && r.left[0] < upto && !st.IsFull() {
		r.add(st)
	}
	return r.close(st)
}

// open returns the stretch in which a change at pos belongs, and where the next
// one begins; nil when there is nothing to be changed.
func (r *rewriter) open(pos matrix.Position) (*index.Stretch, matrix.Position, error) {
	upto, more, err := store.NextLow(r.ctx, r.tx, r.room, pos)
	if err != nil {
		return nil, 0, err
	}
	if !more {
		upto = math.MaxInt64
	}
	place, ok, err := store.PlaceOf(r.ctx, r.tx, r.room, pos)
	if err != nil {
		return nil, 0, err
	}
	done := len(r.out) > 0 && place.Low <= r.out[len(r.out)-1].low // it was filled just now
	if ok && !done && (pos <= place.High || !index.IsFullAt(place.Shelf)) {
		st, err := r.read(place)
		return st, upto, err
	}
	if r.todo[pos] == nil {
		return nil, 0, nil
	}
	return index.NewStretch(pos), upto, nil
}

func (r *rewriter) read(place store.Place) (*index.Stretch, error) {
	pages, err := store.Stretch(r.ctx, r.tx, r.room, place.Low)
	if err != nil {
		return nil, err
	}
	return index.ReadStretch(place.Low, place.High, stretches(pages)[0].pages), nil
}

// replace makes the changes at positions that st reaches to.
func (r *rewriter) replace(st *index.Stretch) {
	n := 0
	for n < len(r.left) && r.left[n] <= st.High {
		n++
	}
	st.Remove(r.left[:n]...)
	for range n {
		r.add(st)
	}
}

// add makes the next change, of which st knows nothing.
func (r *rewriter) add(st *index.Stretch) {
	if d := r.todo[r.left[0]]; d != nil {
		st.Add(d)
	}
	r.left = r.left[1:]
}

// close notes how st is to be stored.
func (r *rewriter) close(st *index.Stretch) error {
	pages, err := st.Pages()
	if err != nil {
		return err
	}
	w := rewritten{room: r.room, low: st.Low}
	for _, p := range pages {
		w.pages = append(w.pages, store.Page{High: st.High, Shelf: p.Shelf, Words: p.Data})
		w.size += len(p.Data)
	}
	r.out = append(r.out, w)
	return nil
}
