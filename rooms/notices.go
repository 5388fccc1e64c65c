package rooms

import "plenum/internal/matrix"

// heldBack refuses to reject an invitation to the notices of the server, which
// people are to have seen. Once they are in the room they may leave it.
//
// Spec: client-server-api#server-notices
func (r *Rooms) heldBack(v *view, c MemberChange) error {
	if r.opt.Notices == "" || c.Closing {
		return nil
	}
	now := v.Event("m.room.member", string(c.User))
	if now == nil || now.Membership() != "invite" || now.Sender != r.opt.Notices {
		return nil
	}
	return matrix.Errorf(matrix.CannotLeaveServerNotice, "Join the room to read what the server has to say. After that you can leave it.")
}
