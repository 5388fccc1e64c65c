package rooms

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// ExchangeThirdPartyInvite invites a user of another server whom somebody here
// has invited by an address, such as of mail: raw is the invitation that the
// other server has prepared, with the proof that the address is the user's.
//
// Spec: server-server-api#put_matrixfederationv1exchange_third_party_inviteroomid
func (r *Rooms) ExchangeThirdPartyInvite(ctx context.Context, origin string, room id.RoomID, raw json.RawMessage) (err error) {
	defer matrix.Wrap(&err, "exchange third-party invite")
	e := gjson.ParseBytes(raw)
	user := e.Get("state_key").Str
	signed := e.Get("content.third_party_invite.signed")
	switch {
	case e.Get("type").Str != "m.room.member" || e.Get("content.membership").Str != "invite" || !signed.IsObject():
		return matrix.Errorf(matrix.BadJSON, "The event is no invitation of somebody by an address.")
	case e.Get("room_id").Str != string(room):
		return matrix.Errorf(matrix.BadJSON, "The event is of another room.")
	case !event.ValidUser(user) || event.ServerName(user) != origin || signed.Get("mxid").Str != user:
		return matrix.Errorf(matrix.Forbidden, "The invitation is not for a user of %s.", origin)
	}
	rm, err := r.hosted(ctx, origin, room)
	if err != nil {
		return err
	}
	invite, err := rm.Current(ctx, "m.room.third_party_invite", signed.Get("token").Str)
	if err != nil {
		return err
	}
	if invite == nil || !r.IsLocal(invite.Sender) || r.opt.Peers == nil {
		return matrix.Errorf(matrix.Forbidden, "Nobody here has invited somebody by that token.")
	}
	content := json.RawMessage(`{"third_party_invite":` + e.Get("content.third_party_invite").Raw + `}`)
	return r.inviteElsewhere(ctx, matrix.Principal{User: invite.Sender}, MemberChange{Room: room, User: id.UserID(user), Content: content})
}
