package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	store "plenum/storage/userdata"
)

// DevicesGone removes what user keeps about devices that are signed out:
// whether their notifications are silent. It is an account.Hooks function.
//
// Spec: todo MSC3890, per-device notification settings
func (d *Data) DevicesGone(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	for _, device := range devices {
		for _, prefix := range []string{"m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."} {
			err := d.update(ctx, tx, user, datumKey{typ: prefix + string(device)}, func(json.RawMessage) (json.RawMessage, error) { return nil, nil })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Gone removes everything that user kept here, when the account was closed.
// It is an account.Hooks function.
func (d *Data) Gone(ctx context.Context, user id.UserID, _ bool) error {
	err := d.db.Write(ctx, func(tx *storage.Tx) error {
		inRooms, err := store.ReceiptRooms(ctx, tx, user)
		if err != nil {
			return err
		}
		for _, drop := range []func(context.Context, *storage.Tx, id.UserID) error{
			store.DeleteAccountData, store.DeleteFilters, store.DeleteReceipts, store.DeleteSubscriptions,
		} {
			if err := drop(ctx, tx, user); err != nil {
				return err
			}
		}
		tx.OnCommit(func() {
			d.accounts.forget(user)
			d.threads.forget(user)
			for _, room := range inRooms {
				d.receipts.forget(room)
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range d.filters.Keys() {
		if key.user == user {
			d.filters.Remove(key)
		}
	}
	d.presence.forget(user)
	return nil
}
