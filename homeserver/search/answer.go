package search

import (
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Bounds of one page.
const (
	usualResults = 10
	mostResults  = 100
	// mostRead bounds the events that are read for it: not all that have the
	// words have them in the order in which they are wanted.
	mostRead = 2000
)

// answer puts a page together.
func (l *look) answer() (a Answer, err error) {
	a.Count = len(l.hits)
	limit := l.q.Filter.Limit(usualResults, mostResults)
	from := start()
	if l.q.From != nil {
		from = l.q.From.after()
	}
	for read := 0; len(a.Results) < limit && read < mostRead; {
		page := l.next(from, limit-len(a.Results))
		if len(page) == 0 {
			return a, l.complete(&a)
		}
		if err := l.show(&a, page); err != nil {
			return Answer{}, err
		}
		from = page[len(page)-1]
		read += len(page)
	}
	if limit > 0 {
		next := Token{Score: from.Score, Pos: from.Pos}
		if l.q.From != nil { // of the same group
			next = next.InRoom(l.q.From.Room).From(l.q.From.Sender)
		}
		a.Next = &next
	}
	return a, l.complete(&a)
}

// show adds those of page to an answer that are still what they were when the
// index was written, and have the words as they are wanted.
func (l *look) show(a *Answer, page []hit) error {
	var positions []matrix.Position
	for _, h := range page {
		positions = append(positions, h.Pos)
		if h.Edit != 0 {
			positions = append(positions, h.Edit)
		}
	}
	evs, err := l.s.rooms.Events(l.ctx, positions)
	if err != nil {
		return err
	}
	for _, h := range page {
		e, edit := evs[h.Pos], evs[h.Edit]
		if e == nil || e.Room != h.room || (edit == nil) != (h.Edit == 0) {
			continue
		}
		rm, err := l.s.rooms.Room(l.ctx, e.Room)
		if err != nil {
			return err
		}
		found, ok := l.match(e, edit)
		if !ok {
			continue
		}
		related, err := rm.Related(l.ctx, l.q.Filter, []*rooms.Event{e})
		if err != nil {
			return err
		}
		if len(related) == 0 {
			continue
		}
		a.Results = append(a.Results, Result{Room: rm, Event: e, Rank: float64(h.Score) / float64(l.ask.MaxScore())})
		for _, word := range found {
			if !slices.Contains(a.Words, word) {
				a.Words = append(a.Words, word)
			}
		}
	}
	return nil
}

// match reports whether e, with the text of edit if that is not nil, is what is
// looked for, and by which words.
func (l *look) match(e, edit *rooms.Event) (found []string, ok bool) {
	field, ok := fieldOf(e)
	if !ok || e.RedactedBy != 0 {
		return nil, false
	}
	return l.words.Match(textOf(field, contentOf(e, edit)))
}

// complete adds to an answer what is told beside its results.
func (l *look) complete(a *Answer) error {
	for i := range a.Results {
		if err := l.completeResult(&a.Results[i]); err != nil {
			return err
		}
	}
	if !l.q.State {
		return nil
	}
	a.State = map[id.RoomID]State{}
	for _, r := range a.Results {
		room := r.Room.ID()
		if _, known := a.State[room]; known {
			continue
		}
		rm, evs, err := l.s.rooms.StateFor(l.ctx, l.who, room)
		if err != nil {
			return err
		}
		a.State[room] = State{rm, evs}
	}
	return nil
}
