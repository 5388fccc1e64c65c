package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const (
	v1 = "/_matrix/federation/v1"
	v2 = "/_matrix/federation/v2"
)

// Template is a member event that another server has prepared.
type Template struct {
	RoomVersion string          `json:"room_version"` // "" stands for 1
	Event       json.RawMessage `json:"event"`
}

// MakeJoin asks for a template of the event with which user joins. versions
// are the room versions that this server knows.
//
// Spec: server-server-api#get_matrixfederationv1make_joinroomiduserid
func (c *Client) MakeJoin(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (Template, error) {
	return c.make(ctx, server, "make_join", room, user, versions)
}

// MakeLeave is MakeJoin for leaving a room, or refusing an invite to it.
//
// Spec: server-server-api#get_matrixfederationv1make_leaveroomiduserid
func (c *Client) MakeLeave(ctx context.Context, server string, room id.RoomID, user id.UserID) (Template, error) {
	return c.make(ctx, server, "make_leave", room, user, nil)
}

// MakeKnock is MakeJoin for knocking.
//
// Spec: server-server-api#get_matrixfederationv1make_knockroomiduserid
func (c *Client) MakeKnock(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (Template, error) {
	return c.make(ctx, server, "make_knock", room, user, versions)
}

func (c *Client) make(ctx context.Context, server, what string, room id.RoomID, user id.UserID, versions []string) (t Template, err error) {
	k := call{server: server, path: path(v1+"/"+what, string(room), string(user)), eager: true}
	if versions != nil {
		k.query = url.Values{"ver": versions}
	}
	if err := c.ask(ctx, k, &t); err != nil {
		return Template{}, err
	}
	if !isObject(t.Event) {
		return Template{}, fmt.Errorf("%s of %s: %w: no event", what, server, ErrAnswer)
	}
	return t, nil
}

// SendJoin sends the join that was made from a template. With omitMembers the
// answer may lack the members of the room.
//
// Spec: server-server-api#put_matrixfederationv2send_joinroomideventid
func (c *Client) SendJoin(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage, omitMembers bool) (*JoinAnswer, error) {
	k := call{
		server: server, method: http.MethodPut, path: path(v2+"/send_join", string(room), string(ev)), body: pdu, eager: true, large: true,
	}
	if omitMembers {
		// The second is what the proposal (MSC3706) called it.
		k.query = url.Values{"omit_members": {"true"}, "org.matrix.msc3706.partial_state": {"true"}}
	}
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a, err := decodeJoin(resp.Body, c.opt.MaxEvents)
	if err != nil {
		return nil, c.broken(ctx, k, err)
	}
	return a, nil
}

// SendLeave sends the leave that was made from a template.
//
// Spec: server-server-api#put_matrixfederationv2send_leaveroomideventid
func (c *Client) SendLeave(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) error {
	k := call{server: server, method: http.MethodPut, path: path(v2+"/send_leave", string(room), string(ev)), body: pdu, eager: true}
	err := c.ask(ctx, k, nil)
	if isUnserved(err) {
		k.path = path(v1+"/send_leave", string(room), string(ev))
		err = c.ask(ctx, k, nil)
	}
	return err
}

// SendKnock sends the knock that was made from a template, and returns the
// stripped state of the room.
//
// Spec: server-server-api#put_matrixfederationv1send_knockroomideventid
func (c *Client) SendKnock(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) ([]json.RawMessage, error) {
	var a struct {
		State []json.RawMessage `json:"knock_room_state"`
		Old   []json.RawMessage `json:"knock_state_events"` // as the proposal (MSC2403) called it
	}
	k := call{server: server, method: http.MethodPut, path: path(v1+"/send_knock", string(room), string(ev)), body: pdu, eager: true}
	if err := c.ask(ctx, k, &a); err != nil {
		return nil, err
	}
	if a.State == nil {
		a.State = a.Old
	}
	return a.State, nil
}

// Invite sends an invite to the server of the invited user, which signs it.
// stripped is the state that the user may see of the room.
//
// Spec: server-server-api#put_matrixfederationv2inviteroomideventid
func (c *Client) Invite(ctx context.Context, server string, room id.RoomID, ev id.EventID, version string, pdu json.RawMessage, stripped []json.RawMessage) (json.RawMessage, error) {
	if stripped == nil {
		stripped = []json.RawMessage{}
	}
	var a struct {
		Event json.RawMessage `json:"event"`
	}
	k := call{server: server, method: http.MethodPut, path: path(v2+"/invite", string(room), string(ev)), eager: true, body: map[string]any{
		"event": pdu, "room_version": version, "invite_room_state": stripped,
	}}
	err := c.ask(ctx, k, &a)
	if isUnserved(err) && (version == "1" || version == "2") {
		return c.inviteV1(ctx, server, room, ev, pdu)
	}
	if err != nil {
		return nil, err
	}
	if !isObject(a.Event) {
		return nil, fmt.Errorf("invite of %s: %w: no event", server, ErrAnswer)
	}
	return a.Event, nil
}

// inviteV1 is Invite for servers that know only the first room versions. Their
// answer is [200, {"event": …}].
//
// Spec: server-server-api#put_matrixfederationv1inviteroomideventid
func (c *Client) inviteV1(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) (json.RawMessage, error) {
	var a []json.RawMessage
	k := call{server: server, method: http.MethodPut, path: path(v1+"/invite", string(room), string(ev)), eager: true, body: pdu}
	if err := c.ask(ctx, k, &a); err != nil {
		return nil, err
	}
	var said struct {
		Event json.RawMessage `json:"event"`
	}
	if len(a) != 2 || json.Unmarshal(a[1], &said) != nil || !isObject(said.Event) {
		return nil, fmt.Errorf("invite of %s: %w: no event", server, ErrAnswer)
	}
	return said.Event, nil
}

// ExchangeThirdPartyInvite asks a server in the room to make an invite of one
// that named somebody by other means than a Matrix id.
//
// Spec: server-server-api#put_matrixfederationv1exchange_third_party_inviteroomid
func (c *Client) ExchangeThirdPartyInvite(ctx context.Context, server string, room id.RoomID, event json.RawMessage) error {
	return c.ask(ctx, call{server: server, method: http.MethodPut, path: path(v1+"/exchange_third_party_invite", string(room)), body: event, eager: true}, nil)
}

// policyTime is how long a message waits for the word of a policy server.
const policyTime = 10 * time.Second

// PolicySign asks a policy server for its signature of an event. The answer
// are signatures by server and key; none means that the event is not wanted.
//
// Spec: server-server-api#post_matrixpolicyv1sign
func (c *Client) PolicySign(ctx context.Context, server string, pdu json.RawMessage) (map[string]map[string]string, error) {
	var a map[string]map[string]string
	k := call{server: server, method: http.MethodPost, path: "/_matrix/policy/v1/sign", body: pdu, eager: true, timeout: policyTime}
	err := c.ask(ctx, k, &a)
	if isUnserved(err) {
		k.path = "/_matrix/policy/unstable/org.matrix.msc4284/sign"
		err = c.ask(ctx, k, &a)
	}
	if IsCode(err, matrix.Forbidden) {
		return nil, nil
	}
	return a, err
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }
