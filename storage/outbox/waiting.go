package outbox

import (
	"encoding/binary"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Ref names an event that waits, and its room.
type Ref struct {
	Pos  matrix.Position
	Room id.RoomID
}

var errWaiting = errors.New("outbox: a list of waiting events is damaged")

// appendRefs writes refs in few bytes: each room once, and positions as
// differences.
func appendRefs(b []byte, refs []Ref) []byte {
	number := map[id.RoomID]uint64{}
	var last matrix.Position
	for _, r := range refs {
		n, known := number[r.Room]
		if !known {
			n = uint64(len(number))
			number[r.Room] = n
		}
		b = binary.AppendVarint(b, int64(r.Pos-last))
		b = binary.AppendUvarint(b, n)
		if !known {
			b = binary.AppendUvarint(b, uint64(len(r.Room)))
			b = append(b, r.Room...)
		}
		last = r.Pos
	}
	return b
}

// readRefs reads what appendRefs has written.
func readRefs(b []byte) ([]Ref, error) {
	var refs []Ref
	var rooms []id.RoomID
	var last matrix.Position
	for len(b) > 0 {
		diff, k := binary.Varint(b)
		if k <= 0 {
			return nil, errWaiting
		}
		n, m := binary.Uvarint(b[k:])
		if m <= 0 || n > uint64(len(rooms)) {
			return nil, errWaiting
		}
		b = b[k+m:]
		if n == uint64(len(rooms)) {
			size, k := binary.Uvarint(b)
			if k <= 0 || size > uint64(len(b)-k) {
				return nil, errWaiting
			}
			rooms = append(rooms, id.RoomID(b[k:k+int(size)]))
			b = b[k+int(size):]
		}
		last += matrix.Position(diff)
		refs = append(refs, Ref{last, rooms[n]})
	}
	return refs, nil
}
