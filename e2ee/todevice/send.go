package todevice

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/todevice"
)

// maxContent is the largest content of one message, in bytes. A message that
// is longer could not be delivered by federation either.
const maxContent = 65_536

// Devices tells which devices a user of this server has.
type Devices interface {
	DeviceIDs(ctx context.Context, user id.UserID) ([]id.DeviceID, error)
}

// Options are the settings of a Sender.
type Options struct {
	ServerName string
	Outbox     Outbox // nil: this server talks to no other
	MaxWaiting int    // messages that wait for one device, at most; 0: 50,000
	Now        func() time.Time
}

// Sender takes in messages and keeps them for the devices they are for.
type Sender struct {
	db      *storage.DB
	devices Devices
	opt     Options
	log     *slog.Logger

	mu     sync.Mutex
	queues *lru.Cache[deviceKey, *queue]
}

// New returns the messages from device to device of db.
func New(db *storage.DB, devices Devices, opt Options, log *slog.Logger) (*Sender, error) {
	if opt.MaxWaiting <= 0 {
		opt.MaxWaiting = 50_000
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	queues, err := newQueues()
	return &Sender{db: db, devices: devices, opt: opt, log: log, queues: queues}, err
}

// Messages are the contents for users and their devices; the device "*" is
// every device of the user.
type Messages map[id.UserID]map[id.DeviceID]json.RawMessage

// parcel is a message for one device.
type parcel struct {
	key  deviceKey
	json json.RawMessage
}

// Send queues messages of typ. The same transaction id of the same device is
// one sending. Devices that do not exist are passed over.
//
// Spec: client-server-api#send-to-device-messaging
func (s *Sender) Send(ctx context.Context, p matrix.Principal, typ, txn string, msgs Messages) error {
	parcels, err := s.pack(ctx, p.User, typ, msgs)
	if err != nil {
		return err
	}
	abroad, err := s.packAbroad(p.User, typ, msgs)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		fresh, err := todevice.Once(ctx, tx, p.User, p.Device, txn, s.opt.Now().UnixMilli())
		if err != nil || !fresh {
			return err
		}
		for _, parcel := range parcels {
			if err := s.queue(ctx, tx, parcel); err != nil {
				return err
			}
		}
		for _, o := range abroad {
			if err := s.opt.Outbox.Post(ctx, tx, o.server, o.content); err != nil {
				return err
			}
		}
		return nil
	})
}

// queue stores one message, and drops the oldest of a queue that is too long.
func (s *Sender) queue(ctx context.Context, tx *storage.Tx, p parcel) error {
	pos, err := todevice.Add(ctx, tx, p.key.user, p.key.device, p.json)
	if err != nil {
		return err
	}
	tx.Wake(rooms.UserTopic(p.key.user))
	tx.OnCommit(func() {
		if s.added(p.key, pos) > int64(s.opt.MaxWaiting) {
			s.shorten(p.key)
		}
	})
	return nil
}

// shorten drops the older half of a queue that is full.
func (s *Sender) shorten(key deviceKey) {
	ctx := context.Background()
	s.db.Submit(func(tx *storage.Tx) error {
		e, err := todevice.Waiting(ctx, tx, key.user, key.device)
		if err != nil || e.Count <= int64(s.opt.MaxWaiting) {
			return err
		}
		old, err := todevice.Between(ctx, tx, key.user, key.device, 0, e.Last, int(e.Count)-s.opt.MaxWaiting/2)
		if err != nil {
			return err
		}
		return s.drop(ctx, tx, key.user, key.device, old[len(old)-1].Pos)
	})
}

// pack writes the messages as their receivers get them.
func (s *Sender) pack(ctx context.Context, sender id.UserID, typ string, msgs Messages) ([]parcel, error) {
	envelope, err := json.Marshal(map[string]string{"sender": string(sender), "type": typ})
	if err != nil {
		return nil, err
	}
	var out []parcel
	for user, contents := range msgs {
		if user.Homeserver() != s.opt.ServerName {
			continue // see packAbroad
		}
		known, err := s.devices.DeviceIDs(ctx, user)
		if err != nil {
			return nil, err
		}
		for device, content := range contents {
			if err := checkContent(content); err != nil {
				return nil, err
			}
			raw := message(content, envelope)
			for _, d := range known {
				if device == "*" || device == d {
					out = append(out, parcel{deviceKey{user, d}, raw})
				}
			}
		}
	}
	return out, nil
}

// message is one as sync gives it out. The content stays as it came.
func message(content, envelope json.RawMessage) json.RawMessage {
	out := append([]byte(`{"content":`), content...)
	return append(append(out, ','), envelope[1:]...)
}

// DevicesGone removes what waits for devices that are signed out. It is an
// account.Hooks function.
func (s *Sender) DevicesGone(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	tx.OnCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, d := range devices {
			s.queues.Remove(deviceKey{user, d})
		}
	})
	return todevice.DeleteDevices(ctx, tx, user, devices)
}

// Run forgets old transaction ids, until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			before := s.opt.Now().Add(-24 * time.Hour).UnixMilli()
			if err := s.db.Write(ctx, func(tx *storage.Tx) error { return todevice.PruneTxns(ctx, tx, before) }); err != nil && ctx.Err() == nil {
				s.log.Error("old transaction ids stay", "err", err)
			}
		}
	}
}
