package homeserver

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// invitable reports why inviter may not invite a user of this server.
func (p *parts) invitable(ctx context.Context, inviter, invited id.UserID, _ id.RoomID) error {
	return p.userdata.MayInvite(ctx, invited, inviter)
}
