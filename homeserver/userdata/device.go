package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"
)

// ForgetDevice removes what user keeps about a device that was logged out:
// whether its notifications are silent.
//
// Spec: client-server-api#per-device-notification-settings, and MSC3890 for the older name
func (d *Data) ForgetDevice(ctx context.Context, user id.UserID, device id.DeviceID) error {
	for _, prefix := range []string{"m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."} {
		err := d.UpdateAccountData(ctx, user, "", prefix+string(device), func(json.RawMessage) (json.RawMessage, error) { return nil, nil })
		if err != nil {
			return err
		}
	}
	return nil
}
