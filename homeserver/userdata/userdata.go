package userdata

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

// Options are the settings of Data. A zero field means its default.
type Options struct {
	// PushRules makes the content of m.push_rules for a user who never changed
	// it. Nil: such users have none.
	PushRules      func(id.UserID) json.RawMessage
	Abroad         Abroad    // nil: this server talks to no other
	System         id.UserID // speaks for the server, which nobody can keep from inviting them; "": nobody
	Presence       bool      // say who is there; otherwise everybody is offline
	UsersInMemory  int       // users whose account data is kept in memory; 10,000
	RoomsInMemory  int       // rooms whose receipts are kept in memory; 2,000
	MaxAccountData int       // entries of account data of one user; 20,000
	MaxFilters     int       // filters of one user; 1,000
	Now            func() time.Time
}

func (o Options) withDefaults() Options {
	o.UsersInMemory = cmp.Or(o.UsersInMemory, 10_000)
	o.RoomsInMemory = cmp.Or(o.RoomsInMemory, 2000)
	o.MaxAccountData = cmp.Or(o.MaxAccountData, 20_000)
	o.MaxFilters = cmp.Or(o.MaxFilters, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Data is what all users keep. Its methods may be called concurrently.
type Data struct {
	db    *storage.DB
	rooms *rooms.Rooms
	opt   Options
	log   *slog.Logger
	from  matrix.Position // where Run begins

	accounts *memo[id.UserID, account]
	receipts *memo[id.RoomID, roomReceipts]
	threads  *memo[id.UserID, subscriptions]
	filters  *lru.Cache[filterKey, json.RawMessage]
	serial   atomic.Int64 // of typing and presence
	typing   *typing
	presence *presence
}

// New returns the data that users of db keep. The caller runs Run.
func New(db *storage.DB, r *rooms.Rooms, opt Options, log *slog.Logger) (*Data, error) {
	d := &Data{db: db, rooms: r, opt: opt.withDefaults(), log: log, from: db.Committed()}
	var err error
	if d.accounts, err = newMemo(d.opt.UsersInMemory, d.loadAccount); err != nil {
		return nil, err
	}
	if d.receipts, err = newMemo(d.opt.RoomsInMemory, d.loadReceipts); err != nil {
		return nil, err
	}
	if d.threads, err = newMemo(d.opt.UsersInMemory, d.loadSubscriptions); err != nil {
		return nil, err
	}
	if d.filters, err = lru.New[filterKey, json.RawMessage](d.opt.UsersInMemory); err != nil {
		return nil, err
	}
	d.serial.Store(d.opt.Now().UnixMicro())
	d.typing = newTyping(d)
	d.presence = newPresence(d)
	return d, nil
}

// Now returns the newest position.
func (d *Data) Now() matrix.Position { return d.db.Committed() }

// Serial returns the serial of the newest change of typing or presence. It is
// larger after a restart, as long as the clock does not run backwards.
func (d *Data) Serial() int64 { return d.serial.Load() }
