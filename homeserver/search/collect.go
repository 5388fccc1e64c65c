package search

import (
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/search"
)

// roomsAtOnce is of how many rooms the index is read at a time.
const roomsAtOnce = 64

// hit is a document that was found.
type hit struct {
	index.Hit
	room id.RoomID
}

// collect finds what the index has for the question, in the rooms that the user
// has or had to do with, and leaves what they may see.
func (l *look) collect() error {
	scope, err := l.scope()
	if err != nil {
		return err
	}
	if err := l.await(scope); err != nil {
		return err
	}
	for len(scope) > 0 {
		n := min(len(scope), roomsAtOnce)
		if err := l.collectIn(scope[:n]); err != nil {
			return err
		}
		scope = scope[n:]
	}
	return nil
}

// scope returns the rooms to look into. What the user may see of them is
// decided message by message.
func (l *look) scope() ([]id.RoomID, error) {
	all, err := l.s.rooms.MembershipsOf(l.ctx, l.who.User)
	if err != nil {
		return nil, err
	}
	var out []id.RoomID
	joined := map[id.RoomID]bool{}
	for _, m := range all {
		only := l.q.From == nil || l.q.From.Room == "" || l.q.From.Room == m.Room
		if !m.Forgotten && only && l.q.Filter.HasRoom(m.Room) {
			out = append(out, m.Room)
			joined[m.Room] = m.Membership == "join"
		}
	}
	kinds, err := l.s.rooms.Kinds(l.ctx, out)
	if err != nil {
		return nil, err
	}
	l.open = map[id.RoomID]bool{}
	for i, room := range out {
		l.open[room] = joined[room] && !kinds[i].Guarded
	}
	return out, nil
}

// await waits until the index knows what was said in rooms before now.
func (l *look) await(rooms []id.RoomID) error {
	at, _ := l.s.seen.at()
	lasts, err := l.s.rooms.LastAfter(l.ctx, at, rooms)
	if err != nil {
		return err
	}
	var last matrix.Position
	for _, pos := range lasts {
		last = max(last, pos)
	}
	l.s.seen.await(l.ctx, last)
	return l.ctx.Err()
}

// collectIn looks into some rooms. It looks into memory first: what is brought
// to the disk in between is then found twice, and not never.
func (l *look) collectIn(rooms []id.RoomID) error {
	found := map[id.RoomID][]index.Hit{}
	newer := map[id.RoomID]changes{}
	for _, room := range rooms {
		if c := l.s.recent.of(room); len(c) > 0 {
			newer[room] = c
			found[room] = l.ask.SearchDocuments(c.documents())
		}
	}
	pages, err := l.pages(rooms)
	if err != nil {
		return err
	}
	for _, st := range stretches(pages) {
		hits, err := l.ask.Search(st.low, st.pages)
		if err != nil {
			l.s.broken.Store(true) // Run will see to it
			continue
		}
		for _, h := range hits {
			if _, changed := newer[st.room][h.Pos]; !changed {
				found[st.room] = append(found[st.room], h)
			}
		}
	}
	for room, hits := range found {
		if err := l.keepVisible(room, hits); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) pages(rooms []id.RoomID) (pages []store.Page, err error) {
	err = l.s.db.Read(l.ctx, func(tx *storage.Tx) (err error) {
		pages, err = store.Pages(l.ctx, tx, rooms, l.ask.Shelves())
		return err
	})
	return pages, err
}

// keepVisible adds those of hits in a room that the user may see. Of a message
// that was edited, they must be allowed to see the edit: it has the words.
func (l *look) keepVisible(room id.RoomID, hits []index.Hit) error {
	if len(hits) == 0 {
		return nil
	}
	if l.open[room] { // as for most people and rooms, which need not be in memory for it
		for _, h := range hits {
			l.hits = append(l.hits, hit{h, room})
		}
		return nil
	}
	rm, err := l.s.rooms.Room(l.ctx, room)
	if err != nil {
		return err
	}
	positions := make([]matrix.Position, 0, 2*len(hits))
	for _, h := range hits {
		positions = append(positions, h.Pos)
		if h.Edit != 0 {
			positions = append(positions, h.Edit)
		}
	}
	shown, err := rm.VisibleAt(l.ctx, l.who.User, positions)
	if err != nil {
		return err
	}
	visible := make(map[matrix.Position]bool, len(shown))
	for _, pos := range shown {
		visible[pos] = true
	}
	for _, h := range hits {
		if visible[h.Pos] && (h.Edit == 0 || visible[h.Edit]) {
			l.hits = append(l.hits, hit{h, room})
		}
	}
	return nil
}
