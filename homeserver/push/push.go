package push

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push/webpush"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Data is what push asks of users' own data. *userdata.Data implements it.
type Data interface {
	// Stored returns account data as it was set, nil when there is none.
	Stored(ctx context.Context, user id.UserID, room id.RoomID, typ string) (json.RawMessage, error)
	// UpdateAccountData changes one entry of account data in one go.
	UpdateAccountData(ctx context.Context, user id.UserID, room id.RoomID, typ string, change func(json.RawMessage) (json.RawMessage, error)) error
	// Reads returns how far user has read room, nil when not at all.
	Reads(ctx context.Context, user id.UserID, room id.RoomID) (*store.Reads, error)
	// HasNewReceipts reports whether a receipt of room may have changed after a position.
	HasNewReceipts(room id.RoomID, after matrix.Position) bool
	// FollowsThread reports whether user is subscribed to a thread, and whether
	// they ever said anything of any thread.
	FollowsThread(ctx context.Context, user id.UserID, room id.RoomID, root id.EventID) (subscribed, knows bool, err error)
	// IsIgnoring reports whether user does not want to hear from other.
	IsIgnoring(ctx context.Context, user, other id.UserID) (bool, error)
	// HidesInvitation reports whether user does not learn that by has invited them.
	HidesInvitation(ctx context.Context, user, by id.UserID) (bool, error)
}

// Options are the settings of Push. A zero field means its default.
type Options struct {
	// Gateway carries requests to push gateways, with which Run notifies
	// pushers. Nil: pushers are stored, and nobody is notified.
	Gateway http.RoundTripper
	// TellContent lets pushers that ask for it have what messages say, and in
	// which rooms who said it. Otherwise gateways get ids and counts only.
	TellContent bool
	AllowHTTP   bool // gateways without TLS, for tests
	// Contact is where those who run push servers reach whoever runs this
	// server: an address that begins with https: or mailto:. It is required by
	// some of them.
	Contact       string
	UsersInMemory int // users whose rules and counts are kept in memory; 10,000
	MaxPushers    int // of one user; 50
	Now           func() time.Time
}

func (o Options) withDefaults() Options {
	o.UsersInMemory = cmp.Or(o.UsersInMemory, 10_000)
	o.MaxPushers = cmp.Or(o.MaxPushers, 50)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Push decides what notifies whom. Its methods may be called concurrently.
type Push struct {
	db         *storage.DB
	rooms      *rooms.Rooms
	data       Data
	opt        Options
	log        *slog.Logger
	users      *lru.Cache[id.UserID, *user]
	judgements *judgements
	defaults   *Rules // of whoever it may be
	common     *book  // of users who never changed their rules
	pushers    *pushers
	fresh      *fresh
	web        *webpush.Sender
	from       matrix.Position // where Run begins if it never ran before
}

// New returns the push rules, counts and pushers of the users of db. The
// caller runs Run.
func New(db *storage.DB, r *rooms.Rooms, data Data, opt Options, log *slog.Logger) (*Push, error) {
	defaults := defaultRules(anyUser)
	p := &Push{
		db: db, rooms: r, data: data, opt: opt.withDefaults(), log: log, defaults: defaults,
		common: compile(defaults, anyUser, nil), pushers: newPushers(), fresh: newFresh(), from: db.Committed(),
	}
	var err error
	if p.users, err = lru.NewWithEvict(p.opt.UsersInMemory, p.evicted); err != nil {
		return nil, err
	}
	if p.judgements, err = newJudgements(); err != nil {
		return nil, err
	}
	p.web, err = openWeb(context.Background(), db, p.opt.Contact)
	return p, err
}
