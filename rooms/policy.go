package rooms

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// PolicySigner asks policy servers.
type PolicySigner interface {
	// PolicySign returns a policy server's signatures of an event, by server and
	// key. None means that the event is not wanted.
	PolicySign(ctx context.Context, server string, pdu json.RawMessage) (map[string]map[string]string, error)
}

// Policy returns the policy server of a room, if it has a valid one: which is
// named, with its key, and has somebody in the room. A room cannot have this
// server for one, which is none.
//
// Spec: client-server-api#policy-servers
func (rm *Room) Policy(ctx context.Context) (event.Policy, bool, error) {
	e, err := rm.Current(ctx, "m.room.policy", "")
	if err != nil || e == nil {
		return event.Policy{}, false, err
	}
	y, ok := rm.policyOf(e)
	return y, ok, nil
}

func (rm *Room) policyOf(e *Event) (event.Policy, bool) {
	y, ok := event.ReadPolicy(e.pdu.Content)
	return y, ok && rm.HasServer(y.Server)
}

// approvals are what policy servers have said while a batch was put together.
// Nobody else's events wait for their answer: the batch is begun anew with it,
// and when nothing was added to the room meanwhile, its events are the same.
type approvals struct {
	ts    int64 // of the events, so that they can be the same (ms)
	known map[id.EventID]*event.PDU
	tries int
}

// hasty is how often a batch is begun anew, before the room waits for it.
const hasty = 8

// errUnapproved is for an event that a policy server has to be asked about.
type errUnapproved struct {
	policy event.Policy
	pdu    *event.PDU
}

func (*errUnapproved) Error() string { return "the policy server was not asked yet" }

// approve returns p with what the room's policy server has to say.
//
// Spec: server-server-api#obtaining-a-signature-from-the-policy-server
func (v *view) approve(p *event.PDU) (*event.PDU, error) {
	if v.rm.r.opt.Policy == nil || v.approvals == nil {
		return p, nil
	}
	e := v.Event("m.room.policy", "")
	if e == nil {
		return p, v.err
	}
	y, ok := v.rm.policyOf(e)
	if !ok || y.Exempt(p) {
		return p, nil
	}
	if signed := v.approvals.known[p.ID]; signed != nil {
		return signed, nil
	}
	if v.approvals.tries < hasty && p.Rules.IDs != event.OwnID { // those would never be the same
		return nil, &errUnapproved{y, p}
	}
	return v.rm.r.askPolicy(v.ctx, y, p)
}

// askPolicy has p signed by a policy server. Nobody is kept in a room by one:
// who leaves has left, even if other servers do not hear of it.
func (r *Rooms) askPolicy(ctx context.Context, y event.Policy, p *event.PDU) (*event.PDU, error) {
	answer, err := r.opt.Policy.PolicySign(ctx, y.Server, json.RawMessage(p.JSON))
	leaves := p.Is("m.room.member", string(p.Sender)) && gjson.GetBytes(p.Content, "membership").Str == "leave"
	if err != nil {
		if leaves && ctx.Err() == nil {
			return p, nil
		}
		return nil, unanswered(err)
	}
	signed, err := y.Approve(p, answer)
	if err != nil && leaves {
		return p, nil
	}
	if err != nil {
		return nil, &matrix.Error{Code: matrix.Forbidden, Text: "The policy server of the room does not let this be sent.", Err: err}
	}
	return signed, nil
}

// wanted asks the room's policy server about an event of another server that
// does not carry its signature. What it does not approve of, or says nothing
// about, is unwanted.
//
// Spec: server-server-api#validating-policy-server-signatures
func (r *Rooms) wanted(ctx context.Context, rm *Room, p *event.PDU) (_ *event.PDU, unwanted bool, err error) {
	y, ok, err := rm.Policy(ctx)
	if err != nil || !ok || r.opt.Policy == nil || y.Exempt(p) {
		return p, false, err
	}
	switch y.Approval(p) {
	case event.Approved:
		return p, false, nil
	case event.WrongApproval:
		return p, true, nil
	}
	answer, err := r.opt.Policy.PolicySign(ctx, y.Server, json.RawMessage(p.JSON))
	if err != nil {
		return p, true, ctx.Err()
	}
	signed, err := y.Approve(p, answer)
	if err != nil {
		return p, true, nil
	}
	return signed, false, nil
}

// unanswered is what a client is told when a policy server gives no answer.
func unanswered(err error) error {
	var told *matrix.Error
	if errors.As(err, &told) {
		return err
	}
	return &matrix.Error{Code: matrix.ConnectionFailed, Text: "The policy server of the room does not answer.", Err: err}
}

// queueApproved is queue for a room that may have a policy server.
func (rm *Room) queueApproved(ctx context.Context, queue func(*approvals) error) error {
	if rm.r.opt.Policy == nil {
		return queue(nil)
	}
	a := &approvals{ts: rm.r.opt.Now().UnixMilli(), known: map[id.EventID]*event.PDU{}}
	for ; ; a.tries++ {
		err := queue(a)
		var ask *errUnapproved
		if !errors.As(err, &ask) {
			return err
		}
		signed, err := rm.r.askPolicy(ctx, ask.policy, ask.pdu)
		if err != nil {
			return err
		}
		a.known[signed.ID] = signed
	}
}
