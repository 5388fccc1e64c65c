package e2ee

import (
	"context"
	"log/slog"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// peopleCached bounds the users whose keys are in memory.
const peopleCached = 20_000

// Devices is what keys ask of accounts.
type Devices interface {
	// DeviceNames returns the devices of a user of this server by their names.
	DeviceNames(ctx context.Context, user id.UserID) (map[id.DeviceID]string, error)
}

// Options are the settings of Keys.
type Options struct {
	ServerName string
	Peers      Peers // nil: this server talks to no other
	// Strangers lets users ask for the keys of people with whom they share no
	// room, and who are not invited to one.
	Strangers bool
	// ShowNames tells the names of devices to others than their owner.
	ShowNames bool
}

// Keys are the public keys of the users of this server, and what is known of
// those of others.
type Keys struct {
	db      *storage.DB
	rooms   *rooms.Rooms
	devices Devices
	opt     Options
	log     *slog.Logger

	people *lru.Cache[id.UserID, *person]
	epoch  atomic.Uint64 // how often people changed
	stock  *lru.Cache[deviceKey, *stock]
	news   *news
	from   matrix.Position // where Run begins

	heard  *lru.Cache[id.UserID, uint64] // how often other servers spoke of changes
	asking turns
	resync chan id.UserID
}

type deviceKey struct {
	user   id.UserID
	device id.DeviceID
}

// New returns the keys in db.
func New(ctx context.Context, db *storage.DB, r *rooms.Rooms, devices Devices, opt Options, log *slog.Logger) (*Keys, error) {
	people, err := lru.New[id.UserID, *person](peopleCached)
	if err != nil {
		return nil, err
	}
	stocks, err := lru.New[deviceKey, *stock](peopleCached)
	if err != nil {
		return nil, err
	}
	heard, err := lru.New[id.UserID, uint64](peopleCached)
	if err != nil {
		return nil, err
	}
	k := &Keys{
		db: db, rooms: r, devices: devices, opt: opt, log: log, people: people, stock: stocks, heard: heard,
		from: db.Committed(), resync: make(chan id.UserID, maxResyncs),
	}
	k.news, err = loadNews(ctx, db)
	return k, err
}

// crossSigning stands for the cross-signing keys among the devices that changed.
const crossSigning = devicekeys.CrossSigningChange

// changed notes in tx that the keys of devices of user changed, and tells those
// who share a room with them.
func (k *Keys) changed(ctx context.Context, tx *storage.Tx, user id.UserID, shared []id.RoomID, devices ...id.DeviceID) error {
	for _, device := range devices {
		if err := devicekeys.PutDeviceChange(ctx, tx, user, device, tx.Position()); err != nil {
			return err
		}
	}
	pos, err := devicekeys.Changed(ctx, tx, user)
	if err != nil {
		return err
	}
	if len(devices) > 0 {
		tx.Wake(ListsTopic)
	}
	tx.Wake(rooms.UserTopic(user))
	for _, room := range shared {
		tx.Wake(rooms.RoomTopic(room))
	}
	tx.OnCommit(func() {
		k.forget(user)
		k.news.changed(user, pos)
	})
	return nil
}

// DevicesGone removes the keys of devices that are signed out. It is an
// account.Hooks function.
func (k *Keys) DevicesGone(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	if err := devicekeys.DeleteDevices(ctx, tx, user, devices); err != nil {
		return err
	}
	tx.OnCommit(func() {
		for _, d := range devices {
			k.stock.Remove(deviceKey{user, d})
		}
	})
	shared, err := k.rooms.JoinedRoomsIn(ctx, tx, user)
	if err != nil {
		return err
	}
	return k.changed(ctx, tx, user, shared, devices...)
}

// DevicesNamed notes that devices have got other names. It is an account.Hooks
// function.
func (k *Keys) DevicesNamed(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	if !k.opt.ShowNames {
		return nil
	}
	shared, err := k.rooms.JoinedRoomsIn(ctx, tx, user)
	if err != nil {
		return err
	}
	return k.changed(ctx, tx, user, shared, devices...)
}

// Gone removes the cross-signing keys of an account that was closed. It is an
// account.Hooks function.
func (k *Keys) Gone(ctx context.Context, user id.UserID, _ bool) error {
	return k.write(ctx, user, func(tx *storage.Tx) error { return devicekeys.DeleteUser(ctx, tx, user) }, crossSigning)
}

// write is a write that changes the keys of devices of user.
func (k *Keys) write(ctx context.Context, user id.UserID, fn func(*storage.Tx) error, devices ...id.DeviceID) error {
	shared, err := k.rooms.JoinedRooms(ctx, user)
	if err != nil {
		return err
	}
	return k.db.Write(ctx, func(tx *storage.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return k.changed(ctx, tx, user, shared, devices...)
	})
}

// isLocal reports whether user is of this server.
func (k *Keys) isLocal(user id.UserID) bool { return user.Homeserver() == k.opt.ServerName }

func badKeys(format string, args ...any) error { return matrix.Errorf(matrix.BadJSON, format, args...) }
