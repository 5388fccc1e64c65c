package rooms

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// MemberChange asks for a change of somebody's membership.
type MemberChange struct {
	Room     id.RoomID
	User     id.UserID // whom it is about; for a join, a knock or leaving: nobody else than who asks
	Reason   string
	IsDirect bool            // of an invite
	Closing  bool            // of leaving: because the account is closed, which nothing holds back
	Via      []string        // servers through which a room can be entered that nobody of this server is in
	Content  json.RawMessage // further members of the event's content
}

// member adds the member event that change makes of the state, or nothing when
// change returns no membership.
func (r *Rooms) member(ctx context.Context, p matrix.Principal, c MemberChange, change func(v *view, now string) (membership string, more map[string]any, err error), then ...sideline) error {
	_, err := r.add(ctx, c.Room, func(v *view, i int) (*draft, error) {
		if i > 0 {
			return nil, nil
		}
		membership, more, err := change(v, v.membership(string(c.User)))
		if err != nil || membership == "" {
			return nil, err
		}
		content, err := r.memberContent(ctx, c, membership, more)
		if err != nil {
			return nil, err
		}
		return memberDraft(p.User, c.User, content), nil
	}, then...)
	return err
}

func memberDraft(sender, target id.UserID, content json.RawMessage) *draft {
	key := string(target)
	return &draft{Draft: event.Draft{Sender: sender, Type: "m.room.member", StateKey: &key, Content: content}}
}

// memberContent is the content of a member event. Joins, knocks and invites
// show the profile of whom they are about.
func (r *Rooms) memberContent(ctx context.Context, c MemberChange, membership string, more map[string]any) (json.RawMessage, error) {
	content := map[string]any{}
	if len(c.Content) > 0 {
		if err := json.Unmarshal(c.Content, &content); err != nil {
			return nil, matrix.Errorf(matrix.BadJSON, "The content of an event is a JSON object.")
		}
	}
	if membership != "leave" && membership != "ban" && r.IsLocal(c.User) {
		name, avatar, err := r.profiles.MemberProfile(ctx, c.User)
		if err != nil {
			return nil, err
		}
		setText(content, "displayname", name)
		setText(content, "avatar_url", avatar)
	}
	setText(content, "reason", c.Reason)
	if c.IsDirect {
		content["is_direct"] = true
	}
	for k, v := range more {
		content[k] = v
	}
	content["membership"] = membership
	return json.Marshal(content)
}

func setText(content map[string]any, key, text string) {
	if text != "" {
		content[key] = text
	}
}

// reachable refuses to invite who is no user, users of other servers when
// this server talks to none, and who does not let by invite them. What those of
// other servers let happen is known there.
func (r *Rooms) reachable(ctx context.Context, by, user id.UserID, room id.RoomID) error {
	if _, _, err := user.Parse(); err != nil {
		return matrix.Errorf(matrix.InvalidParam, "%q is not a user id.", string(user))
	}
	if !r.IsLocal(user) && r.opt.Peers == nil {
		return matrix.Errorf(matrix.Forbidden, "%s is on another server, and this server does not talk to other servers.", user)
	}
	return r.invitable(ctx, by, user, room)
}

// invitable reports why by may not invite a user of this server to a room,
// which is empty when it is about to be made.
func (r *Rooms) invitable(ctx context.Context, by, user id.UserID, room id.RoomID) error {
	if r.opt.Invitable == nil || !r.IsLocal(user) || by == user {
		return nil
	}
	return r.opt.Invitable(ctx, by, user, room)
}

// Invite invites a user to a room.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidinvite
func (r *Rooms) Invite(ctx context.Context, p matrix.Principal, c MemberChange) error {
	if err := r.reachable(ctx, p.User, c.User, c.Room); err != nil {
		return err
	}
	if _, err := r.known(ctx, c.Room); err != nil {
		return err
	}
	if !r.IsLocal(c.User) {
		return r.inviteElsewhere(ctx, p, c)
	}
	r.tellInvited(ctx, c.User)
	return r.member(ctx, p, c, func(_ *view, now string) (string, map[string]any, error) {
		if now == "join" {
			return "", nil, matrix.Errorf(matrix.Forbidden, "%s is in the room already.", c.User)
		}
		return "invite", nil, nil
	})
}

// Leave leaves a room, rejects an invitation or takes back a knock.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidleave
func (r *Rooms) Leave(ctx context.Context, p matrix.Principal, c MemberChange) error {
	c.User = p.User
	rm, err := r.known(ctx, c.Room)
	if err != nil {
		return err
	}
	if !rm.isResident() {
		if m, err := r.MembershipOf(ctx, p.User, c.Room); err != nil || m.Membership == "invite" || m.Membership == "knock" {
			if err != nil {
				return err
			}
			if r.opt.Peers != nil {
				return r.leaveElsewhere(ctx, rm, p, c)
			}
		}
	}
	return r.member(ctx, p, c, func(v *view, now string) (string, map[string]any, error) {
		switch now {
		case "join", "invite", "knock":
			return "leave", nil, r.heldBack(v, c)
		case "leave":
			return "", nil, nil
		}
		return "", nil, errNotInRoom()
	})
}

// Kick removes a user from a room, or takes back an invitation of theirs.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidkick
func (r *Rooms) Kick(ctx context.Context, p matrix.Principal, c MemberChange) error {
	return r.remove(ctx, p, c, func(now string) (string, error) {
		switch now {
		case "join", "invite", "knock":
			return "leave", nil
		}
		return "", matrix.Errorf(matrix.Forbidden, "%s is not in the room.", c.User)
	})
}

// Ban removes a user from a room and keeps them out.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidban
func (r *Rooms) Ban(ctx context.Context, p matrix.Principal, c MemberChange) error {
	return r.remove(ctx, p, c, func(string) (string, error) { return "ban", nil })
}

// Unban lets a banned user come back.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidunban
func (r *Rooms) Unban(ctx context.Context, p matrix.Principal, c MemberChange) error {
	return r.remove(ctx, p, c, func(now string) (string, error) {
		if now != "ban" {
			return "", &matrix.Error{Code: matrix.BadState, Status: 403, Text: string(c.User) + " is not banned from the room."}
		}
		return "leave", nil
	})
}

func (r *Rooms) remove(ctx context.Context, p matrix.Principal, c MemberChange, change func(now string) (string, error)) error {
	if _, _, err := c.User.Parse(); err != nil {
		return matrix.Errorf(matrix.InvalidParam, "%q is not a user id.", string(c.User))
	}
	if _, err := r.known(ctx, c.Room); err != nil {
		return err
	}
	return r.member(ctx, p, c, func(v *view, now string) (string, map[string]any, error) {
		if v.membership(string(p.User)) != "join" {
			return "", nil, errNotInRoom()
		}
		is, err := change(now)
		return is, nil, err
	})
}

// SetProfile shows the user's profile as it is now in every room they are in.
// Rooms that show it already are left alone, so that it can be called again
// after a crash.
//
// Spec: client-server-api#events-on-change-of-profile-information
func (r *Rooms) SetProfile(ctx context.Context, user id.UserID) error {
	name, avatar, err := r.profiles.MemberProfile(ctx, user)
	if err != nil {
		return err
	}
	joined, err := r.JoinedRooms(ctx, user)
	if err != nil {
		return err
	}
	var errs []error
	for _, room := range joined {
		if err := r.setProfileIn(ctx, user, room, name, avatar); err != nil {
			var refusal *matrix.Error
			if !errors.As(err, &refusal) { // a room that refuses does so for ever
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (r *Rooms) setProfileIn(ctx context.Context, user id.UserID, room id.RoomID, name, avatar string) error {
	_, err := r.add(ctx, room, func(v *view, i int) (*draft, error) {
		old := v.Event("m.room.member", string(user))
		if i > 0 || old == nil || old.Membership() != "join" {
			return nil, nil
		}
		content := []byte(old.pdu.Content)
		if old.Content().Get("displayname").Str == name && old.Content().Get("avatar_url").Str == avatar {
			return nil, nil
		}
		content, err := replaceText(content, "displayname", name)
		if err == nil {
			content, err = replaceText(content, "avatar_url", avatar)
		}
		if err == nil {
			content, err = sjson.DeleteBytes(content, "reason") // that was of the join
		}
		if err == nil {
			content, err = sjson.DeleteBytes(content, authorisedVia) // the rules ask for it only when joining
		}
		if err != nil {
			return nil, err
		}
		return memberDraft(user, user, content), nil
	})
	return err
}

// replaceText sets a text in a JSON object, or takes it out when it is empty.
func replaceText(raw []byte, key, text string) ([]byte, error) {
	if text == "" {
		return sjson.DeleteBytes(raw, key)
	}
	return sjson.SetBytes(raw, key, text)
}
