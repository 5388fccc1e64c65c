package rooms

import (
	"context"
	"maps"
	"sync"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/eventlog"
)

// kindsCached bounds the rooms whose kind is in memory, about 150 bytes each.
const kindsCached = 1_000_000

// Kind is by what clients sort rooms into lists. It never goes back: a room
// keeps its type for ever, and stays encrypted once it is.
type Kind struct {
	Type      string // "" for a room for talking, m.space …
	Encrypted bool
	Guarded   bool // some of its history is not for all of its members
}

// kinds knows what kind rooms are of, also rooms that are not in memory: a list
// of rooms asks it about every room of its user.
type kinds struct {
	mu   sync.RWMutex
	of   map[id.RoomID]Kind
	turn int // counts changes, so that what was read before one is not kept
}

func newKinds() *kinds { return &kinds{of: map[id.RoomID]Kind{}} }

// saw takes over what committed events of room say. It runs in the log's
// writer, in commit order.
func (k *kinds) saw(room id.RoomID, evs []*Event) {
	for _, e := range evs {
		switch {
		case e.Is("m.room.create", ""):
			k.put(room, Kind{Type: e.Content().Get("type").Str})
		case e.Is("m.room.encryption", ""):
			k.mark(room, func(kind *Kind) { kind.Encrypted = true })
		case e.Is("m.room.history_visibility", "") && guards(e.Content()):
			k.mark(room, func(kind *Kind) { kind.Guarded = true })
		}
	}
}

// guards reports whether content, of m.room.history_visibility, hides what
// follows from some members.
func guards(content gjson.Result) bool {
	return !parseVisibility(content.Get("history_visibility").Str).isOpen()
}

func (k *kinds) put(room id.RoomID, kind Kind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.of) >= kindsCached {
		clear(k.of)
	}
	k.of[room] = kind
}

// mark notes a change of a room.
func (k *kinds) mark(room id.RoomID, change func(*Kind)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn++
	if kind, known := k.of[room]; known {
		change(&kind)
		k.of[room] = kind
	}
}

// look fills in out for the rooms that are known and returns the places of the
// others.
func (k *kinds) look(rooms []id.RoomID, out []Kind) (missing []int, turn int) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for i, room := range rooms {
		kind, known := k.of[room]
		if !known {
			missing = append(missing, i)
		}
		out[i] = kind
	}
	return missing, k.turn
}

// learn takes over what the log said of rooms, unless that may be too old.
func (k *kinds) learn(found map[id.RoomID]Kind, turn int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turn != turn {
		return
	}
	if len(k.of)+len(found) > kindsCached {
		clear(k.of)
	}
	maps.Copy(k.of, found)
}

// Kinds returns what kind each of rooms is of; the zero Kind for rooms that
// this server does not know. Rooms need not be in memory, and the log is asked
// once for each room.
func (r *Rooms) Kinds(ctx context.Context, rooms []id.RoomID) ([]Kind, error) {
	out := make([]Kind, len(rooms))
	missing, turn := r.kinds.look(rooms, out)
	if len(missing) == 0 {
		return out, nil
	}
	ask := make([]id.RoomID, len(missing))
	for n, i := range missing {
		ask[n] = rooms[i]
	}
	found, err := r.readKinds(ctx, ask)
	if err != nil {
		return nil, err
	}
	r.kinds.learn(found, turn)
	for _, i := range missing {
		out[i] = found[rooms[i]]
	}
	return out, nil
}

func (r *Rooms) readKinds(ctx context.Context, rooms []id.RoomID) (map[id.RoomID]Kind, error) {
	var rows, past []eventlog.TraitRow
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		if rows, err = r.log.Traits(ctx, tx, rooms, []string{"m.room.create", "m.room.encryption"}); err != nil {
			return err
		}
		past, err = r.log.PastTraits(ctx, tx, rooms, "m.room.history_visibility")
		return err
	})
	found := make(map[id.RoomID]Kind, len(rooms))
	for _, row := range rows {
		kind := found[row.Room]
		if row.Type == "m.room.encryption" {
			kind.Encrypted = true
		} else {
			kind.Type = gjson.GetBytes(row.JSON, "content.type").Str
		}
		found[row.Room] = kind
	}
	for _, row := range past {
		if guards(gjson.GetBytes(row.JSON, "content")) {
			kind := found[row.Room]
			kind.Guarded = true
			found[row.Room] = kind
		}
	}
	return found, err
}
