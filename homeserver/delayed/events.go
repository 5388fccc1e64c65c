package delayed

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
	store "plenum/storage/delayed"
)

// People knows accounts.
type People interface {
	// Known returns an account, and false when there is none.
	Known(ctx context.Context, user id.UserID) (accounts.Account, bool, error)
}

// Options are the settings of Events.
type Options struct {
	MaxDelay     time.Duration // 0: 24 hours
	MaxScheduled int           // of one user at a time; 0: nobody may schedule anything
	Now          func() time.Time
}

const (
	// grace is how much later than its time the disk may say that an event is
	// due. The proposal lets a server be that late.
	grace = 30 * time.Second
	// keepFor and keepMost are how long it is known what became of an event,
	// and of how many of one user.
	keepFor  = 7 * 24 * time.Hour
	keepMost = 1000
)

// Events are the delayed events of everybody. The methods may be called
// concurrently.
type Events struct {
	db     *storage.DB
	rooms  *rooms.Rooms
	people People
	opt    Options
	log    *slog.Logger

	mu     sync.Mutex
	timers map[string]*timer // of what is scheduled, by delay id
	order  schedule
	sooner chan struct{} // has a token when something else is due next

	lanes lanes
}

// New returns the delayed events of db. The caller runs Run.
func New(ctx context.Context, db *storage.DB, r *rooms.Rooms, people People, opt Options, log *slog.Logger) (*Events, error) {
	opt.MaxDelay = cmp.Or(opt.MaxDelay, 24*time.Hour)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	e := &Events{
		db: db, rooms: r, people: people, opt: opt, log: log,
		timers: map[string]*timer{}, sooner: make(chan struct{}, 1), lanes: newLanes(),
	}
	var list []store.Timer
	err := db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.Timers(ctx, tx)
		return err
	})
	for _, t := range list {
		e.put(t)
	}
	return e, err
}

// Limits returns how far ahead events can be scheduled, and how many at a time.
func (e *Events) Limits() (delay time.Duration, scheduled int) {
	return e.opt.MaxDelay, e.opt.MaxScheduled
}

// Gone forgets everything of an account that is closed. It is an account.Hooks
// function.
func (e *Events) Gone(ctx context.Context, user id.UserID, _ bool) error {
	return e.db.Write(ctx, func(tx *storage.Tx) error {
		tx.OnCommit(func() { e.dropUser(user) })
		return store.DeleteUser(ctx, tx, user)
	})
}

func (e *Events) nowMS() int64 { return e.opt.Now().UnixMilli() }
