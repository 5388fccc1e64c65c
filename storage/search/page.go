package search

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Page is a part of a stretch of a room's history.
type Page struct {
	Room  id.RoomID
	Low   matrix.Position // where the stretch begins
	High  matrix.Position // of its newest message
	Shelf int
	Words []byte
}

const pageColumns = `SELECT r.room_id, p.low, p.high, p.shelf, p.words FROM room r JOIN search_page p ON p.room = r.nid `

// Pages returns the pages on shelves of all stretches of rooms, those of a
// stretch next to each other, in the order of their shelves.
func Pages(ctx context.Context, tx *storage.Tx, rooms []id.RoomID, shelves []int) ([]Page, error) {
	return storage.Select[Page](ctx, tx, pageColumns+`WHERE r.room_id {in $1} AND p.shelf {in $2} ORDER BY p.room, p.low, p.shelf`,
		storage.List(rooms), storage.List(shelves))
}

// Stretch returns the pages of one stretch, in the order of their shelves.
func Stretch(ctx context.Context, tx *storage.Tx, room id.RoomID, low matrix.Position) ([]Page, error) {
	return storage.Select[Page](ctx, tx, pageColumns+`WHERE r.room_id = $1 AND p.low = $2 ORDER BY p.shelf`, room, low)
}

// Place is where a position belongs.
type Place struct {
	Low, High matrix.Position
	Shelf     int // the first that the stretch has
}

const placeOf = `SELECT p.low, p.high, p.shelf FROM room r JOIN search_page p ON p.room = r.nid
	WHERE r.room_id = $1 AND p.low <= $2 ORDER BY p.low DESC, p.shelf LIMIT 1`

// PlaceOf returns the last stretch of room that does not begin after pos, false
// when there is none.
func PlaceOf(ctx context.Context, tx *storage.Tx, room id.RoomID, pos matrix.Position) (Place, bool, error) {
	return storage.One[Place](ctx, tx, placeOf, room, pos)
}

const nextLow = `SELECT p.low FROM room r JOIN search_page p ON p.room = r.nid
	WHERE r.room_id = $1 AND p.low > $2 ORDER BY p.low LIMIT 1`

// NextLow returns where the first stretch of room after pos begins, false when
// there is none.
func NextLow(ctx context.Context, tx *storage.Tx, room id.RoomID, pos matrix.Position) (matrix.Position, bool, error) {
	return storage.One[matrix.Position](ctx, tx, nextLow, room, pos)
}

const insertPage = `INSERT INTO search_page (room, low, shelf, high, words)
	VALUES ((SELECT nid FROM room WHERE room_id = $1), $2, $3, $4, $5)`

// Replace writes a stretch anew: pages are all that it has. Room and Low of
// pages are not looked at.
func Replace(ctx context.Context, tx *storage.Tx, room id.RoomID, low matrix.Position, pages []Page) error {
	if err := tx.Exec(ctx, `DELETE FROM search_page WHERE room = (SELECT nid FROM room WHERE room_id = $1) AND low = $2`, room, low); err != nil {
		return err
	}
	for _, p := range pages {
		if err := tx.Exec(ctx, insertPage, room, low, p.Shelf, p.High, p.Words); err != nil {
			return err
		}
	}
	return nil
}

// DropRoom removes all that is known of a room.
func DropRoom(ctx context.Context, tx *storage.Tx, room id.RoomID) error {
	return tx.Exec(ctx, `DELETE FROM search_page WHERE room = (SELECT nid FROM room WHERE room_id = $1)`, room)
}

// DropAll removes all that is known of all rooms.
func DropAll(ctx context.Context, tx *storage.Tx) error {
	return tx.Exec(ctx, `DELETE FROM search_page`)
}
