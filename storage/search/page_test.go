package search_test

import (
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/search"
	"plenum/storage/storagetest"
)

// filled makes rooms with these stretches: two that begin at 10 and 50 in !a, of
// which the second is on one shelf, and one in !b.
func filled(t *testing.T, db *storage.DB) {
	t.Helper()
	log, err := eventlog.New()
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, func(tx *storage.Tx) error {
		for _, room := range []id.RoomID{"!b", "!a"} {
			if _, err := log.AddRoom(t.Context(), tx, room, "12", 0); err != nil {
				return err
			}
		}
		if err := search.Replace(t.Context(), tx, "!a", 50, []search.Page{{High: 60, Shelf: 0, Words: []byte("c")}}); err != nil {
			return err
		}
		if err := search.Replace(t.Context(), tx, "!b", 10, []search.Page{{High: 99, Shelf: 0, Words: []byte("d")}}); err != nil {
			return err
		}
		return search.Replace(t.Context(), tx, "!a", 10, []search.Page{
			{High: 40, Shelf: 2, Words: []byte("b")}, {High: 40, Shelf: 1, Words: []byte("a")}, {High: 40, Shelf: 3, Words: []byte{0}},
		})
	})
}

func write(t *testing.T, db *storage.DB, fn func(*storage.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, db *storage.DB, fn func(*storage.Tx) error) {
	t.Helper()
	if err := db.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// words are the pages as "room low-high/shelf=words".
func words(pages []search.Page) string {
	var out []string
	for _, p := range pages {
		out = append(out, fmt.Sprintf("%s %d-%d/%d=%s", p.Room, p.Low, p.High, p.Shelf, p.Words))
	}
	return strings.Join(out, " ")
}

func TestPages(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		filled(t, db)
		for want, c := range map[string]struct {
			rooms   []id.RoomID
			shelves []int
		}{
			"!a 10-40/1=a !a 10-40/2=b !a 50-60/0=c": {[]id.RoomID{"!a", "!none"}, []int{2, 0, 1}},
			"!a 10-40/2=b":                           {[]id.RoomID{"!a", "!b"}, []int{2}},
			"!b 10-99/0=d !a 50-60/0=c":              {[]id.RoomID{"!a", "!b"}, []int{0}},
			"":                                       {nil, []int{0, 1}},
		} {
			read(t, db, func(tx *storage.Tx) error {
				pages, err := search.Pages(t.Context(), tx, c.rooms, c.shelves)
				if got := words(pages); got != want {
					t.Errorf("%v of %v: %s, want %s", c.shelves, c.rooms, got, want)
				}
				return err
			})
		}
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		filled(t, db)
		for pos, want := range map[matrix.Position]struct {
			place search.Place
			next  matrix.Position
		}{
			-5: {search.Place{}, 10},
			10: {search.Place{Low: 10, High: 40, Shelf: 1}, 50},
			45: {search.Place{Low: 10, High: 40, Shelf: 1}, 50},
			50: {search.Place{Low: 50, High: 60}, 0},
			99: {search.Place{Low: 50, High: 60}, 0},
		} {
			read(t, db, func(tx *storage.Tx) error {
				place, ok, err := search.PlaceOf(t.Context(), tx, "!a", pos)
				if err != nil || place != want.place || ok != (place.Low != 0) {
					t.Errorf("place of %d: %+v, %v, %v", pos, place, ok, err)
				}
				next, more, err := search.NextLow(t.Context(), tx, "!a", pos)
				if next != want.next || more != (next != 0) {
					t.Errorf("after %d: %d, %v", pos, next, more)
				}
				return err
			})
		}
	})
}

func TestStretchesAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		filled(t, db)
		left := func(want string) {
			t.Helper()
			read(t, db, func(tx *storage.Tx) error {
				pages, err := search.Pages(t.Context(), tx, []id.RoomID{"!a", "!b"}, []int{0, 1, 2, 3})
				if got := words(pages); got != want {
					t.Errorf("left is %s, want %s", got, want)
				}
				return err
			})
		}
		write(t, db, func(tx *storage.Tx) error {
			return search.Replace(t.Context(), tx, "!a", 10, []search.Page{{High: 41, Shelf: 2, Words: []byte("x")}})
		})
		left("!b 10-99/0=d !a 10-41/2=x !a 50-60/0=c")
		write(t, db, func(tx *storage.Tx) error { return search.Replace(t.Context(), tx, "!a", 10, nil) })
		left("!b 10-99/0=d !a 50-60/0=c")
		write(t, db, func(tx *storage.Tx) error { return search.DropRoom(t.Context(), tx, "!b") })
		left("!a 50-60/0=c")
		write(t, db, func(tx *storage.Tx) error { return search.DropAll(t.Context(), tx) })
		left("")
	})
}
