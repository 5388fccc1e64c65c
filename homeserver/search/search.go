package search

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
)

// Options are the settings of Search. A zero field means its default.
type Options struct {
	// Off keeps no index. Run removes one that is there, and nobody can search.
	Off bool
	// Unsaved is how many events are followed before what they say is written
	// to the disk; 16384.
	Unsaved int
	// Erased reports whether an account was erased, whose words are not kept;
	// nil: none was.
	Erased func(id.UserID) bool
}

// patience is how long a search waits for the index to take in what was sent
// before it.
const patience = 3 * time.Second

// Search is the index of messages, and who looks into it. Its methods may be
// called concurrently.
type Search struct {
	db    *storage.DB
	rooms *rooms.Rooms
	opt   Options
	log   *slog.Logger

	taking sync.Mutex // held by whoever changes the index
	recent recent
	seen   progress
	broken atomic.Bool // a search has come upon damage
}

// New returns the search in the rooms of r. It finds something while Run runs.
func New(db *storage.DB, r *rooms.Rooms, opt Options, log *slog.Logger) *Search {
	if opt.Unsaved <= 0 {
		opt.Unsaved = 16_384
	}
	if opt.Erased == nil {
		opt.Erased = func(id.UserID) bool { return false }
	}
	return &Search{db: db, rooms: r, opt: opt, log: log, recent: newRecent(), seen: newProgress()}
}
