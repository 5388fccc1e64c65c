package e2ee

import (
	"context"
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/devicekeys"
	"plenum/storage/remotedevices"
)

// ListUpdate is what another server says of a device of one of its users.
//
// Spec: server-server-api#mdevice_list_update
type ListUpdate struct {
	User    id.UserID       `json:"user_id"`
	Device  id.DeviceID     `json:"device_id"`
	Name    string          `json:"device_display_name"`
	Stream  int64           `json:"stream_id"`
	Prev    []int64         `json:"prev_id"`
	Deleted bool            `json:"deleted"`
	Keys    json.RawMessage `json:"keys"`
}

// HearList takes in an update of a device. When it does not follow on what is
// known, the whole list is asked for. The caller has made sure that it comes
// from the user's server.
func (k *Keys) HearList(ctx context.Context, u ListUpdate) error {
	if _, tracked, err := k.rooms.Tracked(ctx, u.User); err != nil || !tracked {
		return err
	}
	shared, err := k.rooms.JoinedRooms(ctx, u.User)
	if err != nil {
		return err
	}
	keys, hasKeys := checkForeign(u.User, u.Device, u.Keys)
	lost := false
	err = k.db.Write(ctx, func(tx *storage.Tx) error {
		lost = false
		l, known, err := remotedevices.Read(ctx, tx, u.User)
		if err != nil {
			return err
		}
		follows := known && l.Stale == 0 && l.Stream > 0 && len(u.Prev) > 0 && !slices.ContainsFunc(u.Prev, func(prev int64) bool { return prev != l.Stream })
		switch {
		case known && l.Stale == 0 && u.Stream > 0 && u.Stream <= l.Stream:
			return nil // it is known
		case !known && !hasKeys && !u.Deleted:
			return nil // nobody has asked for what did not change
		case follows && (hasKeys || u.Deleted):
			err = applyUpdate(ctx, tx, u, l, keys)
		case known:
			lost = true
			l.Stale = 1
			err = remotedevices.Put(ctx, tx, u.User, l)
		}
		if err != nil {
			return err
		}
		return k.heardOf(ctx, tx, u.User, shared)
	})
	if err == nil && lost {
		k.catchUp(u.User)
	}
	return err
}

// applyUpdate changes what is known of one device.
func applyUpdate(ctx context.Context, tx *storage.Tx, u ListUpdate, l remotedevices.List, keys json.RawMessage) error {
	l.Stream = u.Stream
	if err := remotedevices.Put(ctx, tx, u.User, l); err != nil {
		return err
	}
	if u.Deleted {
		return remotedevices.DeleteDevice(ctx, tx, u.User, u.Device)
	}
	return remotedevices.PutDevice(ctx, tx, u.User, remotedevices.Device{ID: u.Device, Name: shortName(u.Name), Keys: keys})
}

// heardOf notes that the keys of a user of another server changed, and tells
// those who share a room with them.
func (k *Keys) heardOf(ctx context.Context, tx *storage.Tx, user id.UserID, shared []id.RoomID) error {
	pos, err := devicekeys.Changed(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, room := range shared {
		tx.Wake(rooms.RoomTopic(room))
	}
	tx.OnCommit(func() {
		n, _ := k.heard.Peek(user)
		k.heard.Add(user, n+1)
		k.forget(user)
		k.news.changed(user, pos)
	})
	return nil
}

// SigningUpdate is what another server says of the cross-signing keys of one
// of its users.
//
// Spec: server-server-api#msigning_key_update
type SigningUpdate struct {
	User        id.UserID       `json:"user_id"`
	Master      json.RawMessage `json:"master_key"`
	SelfSigning json.RawMessage `json:"self_signing_key"`
}

// HearSigning takes in an update of cross-signing keys. The caller has made
// sure that it comes from the user's server.
func (k *Keys) HearSigning(ctx context.Context, u SigningUpdate) error {
	if _, tracked, err := k.rooms.Tracked(ctx, u.User); err != nil || !tracked {
		return err
	}
	shared, err := k.rooms.JoinedRooms(ctx, u.User)
	if err != nil {
		return err
	}
	news := (&UserDevices{User: u.User, Master: u.Master, SelfSigning: u.SelfSigning}).checked()
	if news.Master == nil && news.SelfSigning == nil {
		return nil
	}
	return k.db.Write(ctx, func(tx *storage.Tx) error {
		l, known, err := remotedevices.Read(ctx, tx, u.User)
		if err != nil {
			return err
		}
		if known {
			was := l
			if news.Master != nil {
				l.Master = news.Master
			}
			if news.SelfSigning != nil {
				l.SelfSigning = news.SelfSigning
			}
			if slices.Equal(was.Master, l.Master) && slices.Equal(was.SelfSigning, l.SelfSigning) {
				return nil
			}
			if err := remotedevices.Put(ctx, tx, u.User, l); err != nil {
				return err
			}
		}
		return k.heardOf(ctx, tx, u.User, shared)
	})
}
