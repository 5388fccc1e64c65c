package search

import (
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	store "plenum/storage/search"
)

// stretch is one as it is stored.
type stretch struct {
	room  id.RoomID
	low   matrix.Position
	pages []index.Page
}

// stretches puts pages that are next to each other together.
func stretches(pages []store.Page) []stretch {
	var out []stretch
	for _, p := range pages {
		i := len(out) - 1
		if i < 0 || out[i].room != p.Room || out[i].low != p.Low {
			out = append(out, stretch{room: p.Room, low: p.Low})
			i++
		}
		out[i].pages = append(out[i].pages, index.Page{Shelf: p.Shelf, Data: p.Words})
	}
	return out
}
