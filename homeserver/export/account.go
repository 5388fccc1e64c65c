package export

import (
	"context"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

type accountFile struct {
	User    id.UserID                  `json:"user_id"`
	Created string                     `json:"created"`
	Admin   bool                       `json:"administrator,omitempty"`
	Profile map[string]json.RawMessage `json:"profile"`
	Devices []deviceEntry              `json:"devices"`
}

type deviceEntry struct {
	ID       id.DeviceID `json:"device_id"`
	Name     string      `json:"name,omitempty"`
	LastSeen string      `json:"last_seen,omitempty"` // the day
}

// account writes who it is, and on which devices.
func (p *packer) account(ctx context.Context) error {
	acc, err := p.e.Accounts.Account(ctx, p.user)
	if err != nil {
		return err
	}
	f := accountFile{User: p.user, Created: when(acc.CreatedMS), Admin: acc.Admin, Devices: []deviceEntry{}}
	if f.Profile, err = p.e.Accounts.Profile(ctx, matrix.Principal{User: p.user}, p.user); err != nil {
		return err
	}
	all, err := p.e.Accounts.DevicesOf(ctx, p.user)
	if err != nil {
		return err
	}
	for _, d := range all {
		entry := deviceEntry{ID: d.ID, Name: d.Name}
		if d.LastSeenMS != nil {
			entry.LastSeen = time.UnixMilli(*d.LastSeenMS).UTC().Format(time.DateOnly)
		}
		f.Devices = append(f.Devices, entry)
	}
	return p.json("account.json", "Name, profile and devices", f)
}

type datum struct {
	Room    id.RoomID       `json:"room_id,omitempty"`
	Type    string          `json:"type"`
	Content json.RawMessage `json:"content"`
}

// accountData writes what clients have stored.
func (p *packer) accountData(ctx context.Context) error {
	all, err := p.e.Data.AccountDataChanges(ctx, p.user, 0, everything)
	if err != nil {
		return err
	}
	out := make([]datum, len(all))
	for i, d := range all {
		out[i] = datum{d.Room, d.Type, d.Content}
	}
	return p.json("account_data.json", "What your apps have stored: settings, tags of rooms, people you ignore, push rules, encrypted secrets", out)
}

type pusherEntry struct {
	App    string `json:"app"`
	Device string `json:"device,omitempty"`
	Kind   string `json:"kind,omitempty"`
	Lang   string `json:"language,omitempty"`
}

// pushers writes who is notified, without what lets others do that.
func (p *packer) pushers(ctx context.Context) error {
	all, err := p.e.Push.Pushers(ctx, p.user)
	if err != nil {
		return err
	}
	out := []pusherEntry{}
	for _, one := range all {
		entry := pusherEntry{App: one.AppName, Device: one.DeviceName, Lang: one.Lang}
		if one.Kind != nil {
			entry.Kind = *one.Kind
		}
		out = append(out, entry)
	}
	return p.json("notifications.json", "Apps that are notified", out)
}

// keys writes the public keys of the account. Of the private ones the server
// knows nothing.
func (p *packer) keys(ctx context.Context) error {
	found, err := p.e.Keys.Query(ctx, matrix.Principal{User: p.user}, map[id.UserID][]id.DeviceID{p.user: nil})
	if err != nil {
		return err
	}
	return p.json("keys.json", "Public keys of your devices, and those by which you vouch for them", map[string]any{
		"devices": found.Devices[p.user], "master": found.Master[p.user],
		"self_signing": found.SelfSigning[p.user], "user_signing": found.UserSigning[p.user],
	})
}
