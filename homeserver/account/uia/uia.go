// Package uia is user-interactive authentication: some requests are done only
// after the client has gone through stages, in an order that the server
// offers as flows.
//
// Which flows there are is data of the request; what a stage takes is a
// function. The sessions in between are kept in memory, in bounded number: a
// client whose session is gone is asked again, which is all that it loses.
//
// Spec: client-server-api#user-interactive-authentication-api
package uia

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// The stages that Plenum knows.
const (
	Password          = "m.login.password"
	Dummy             = "m.login.dummy"
	RegistrationToken = "m.login.registration_token"
	Terms             = "m.login.terms"
	OAuth             = "m.oauth"
	CrossSigningReset = "org.matrix.cross_signing_reset" // the older name of OAuth
)

// Flow is one way to be let through: stages in the order in which they are to
// be completed.
type Flow []string

// Request is what somebody wants to do.
type Request struct {
	Operation string         // such as "delete devices"
	User      id.UserID      // who asks; empty when nobody is signed in
	Subject   string         // what the operation is done to
	Flows     []Flow         // the ways to be let through
	Params    map[string]any // what clients have to know about a stage, by stage
}

// is reports whether r and other are for the same thing, so that a session of
// the one is good for the other.
func (r Request) is(other Request) bool {
	return r.Operation == other.Operation && r.User == other.User && r.Subject == other.Subject
}

// Stage looks at what a client submits for a stage, the auth member of the
// request, and returns what it proves, such as whose password it was. When it
// is wrong and can be tried again the error is a *Refusal.
type Stage func(ctx context.Context, r Request, auth json.RawMessage) (proof string, err error)

// Refusal says why a stage is not completed. The client may try again.
type Refusal struct {
	Code matrix.Code
	Text string // for people
}

// Error is for logs.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

// Options are the settings of an Engine. A zero field means its default.
type Options struct {
	Stages   map[string]Stage
	Sessions int              // that are kept of people signed in, and again of others; 10,000
	Life     time.Duration    // of a session; 1 hour
	Now      func() time.Time // time.Now
}

// Engine runs the stages. It is safe for concurrent use.
type Engine struct {
	opt      Options
	sessions *sessions
}

// New makes an Engine.
func New(opt Options) *Engine {
	if opt.Sessions <= 0 {
		opt.Sessions = 10_000
	}
	if opt.Life <= 0 {
		opt.Life = time.Hour
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Engine{opt: opt, sessions: newSessions(opt.Sessions, opt.Life)}
}

// Grant is the permission to do what was asked for.
type Grant struct {
	engine  *Engine
	session *session
	proofs  map[string]string
}

// Proof returns what a stage has proved, "" when it was not part of the flow.
func (g *Grant) Proof(stage string) string { return g.proofs[stage] }

// Spend ends the session after what it was for is done. Until then a request
// that fails for another reason can be repeated without new stages.
func (g *Grant) Spend() { g.engine.sessions.remove(g.session) }

// Revoke takes back a stage that turned out not to be good, and returns what
// to answer: why, and the flows once more.
func (g *Grant) Revoke(stage string, why *Refusal) error {
	g.engine.sessions.undo(g.session, stage)
	return g.engine.challenge(g.session, why)
}

// submission is the auth member of a request.
type submission struct {
	Type    string `json:"type"`
	Session string `json:"session"`
}

// Authorise lets r through when auth, the auth member of its body, completes a
// flow. Otherwise the error is the answer with status 401 that says what is
// missing, or another one that ends the attempt.
func (e *Engine) Authorise(ctx context.Context, r Request, auth json.RawMessage) (*Grant, error) {
	var sub submission
	if len(auth) > 0 {
		if err := json.Unmarshal(auth, &sub); err != nil {
			return nil, matrix.Errorf(matrix.BadJSON, "The member auth must be an object with strings for type and session.")
		}
	}
	now := e.opt.Now()
	s := e.sessions.find(sub.Session, now)
	if s != nil && !s.request.is(r) {
		fresh := e.sessions.begin(r, now)
		return nil, e.challenge(fresh, &Refusal{matrix.Forbidden, "The session is for another request."})
	}
	if s == nil {
		// Of a session that ended, with a restart perhaps, nothing is left to
		// rely on; what is submitted now counts nevertheless.
		s = e.sessions.begin(r, now)
	}
	if sub.Type != "" {
		if err := e.try(ctx, s, sub.Type, auth); err != nil {
			return nil, e.answer(s, err)
		}
	}
	if proofs, ok := e.sessions.granted(s); ok {
		return &Grant{e, s, proofs}, nil
	}
	return nil, e.challenge(s, nil)
}

// try completes a stage of s. A stage that is completed already stays so,
// whatever is submitted.
func (e *Engine) try(ctx context.Context, s *session, stage string, auth json.RawMessage) error {
	completed := e.sessions.completed(s)
	if slices.Contains(completed, stage) {
		return nil
	}
	check := e.opt.Stages[stage]
	if check == nil || !isNext(s.request.Flows, completed, stage) {
		return &Refusal{matrix.Unrecognized, "This is not a stage that can be done now."}
	}
	proof, err := check(ctx, s.request, auth)
	if err != nil {
		return err
	}
	e.sessions.complete(s, completed, stage, proof)
	return nil
}

// answer turns what went wrong in a stage into the answer.
func (e *Engine) answer(s *session, err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return e.challenge(s, refusal)
	}
	return err
}

// flow is a Flow as clients read it.
type flow struct {
	Stages Flow `json:"stages"`
}

// challenge is the answer that says which stages are to be completed.
func (e *Engine) challenge(s *session, why *Refusal) error {
	flows := make([]flow, len(s.request.Flows))
	params := map[string]any{}
	for i, f := range s.request.Flows {
		flows[i] = flow{f}
		for _, stage := range f {
			if p, ok := s.request.Params[stage]; ok {
				params[stage] = p
			}
		}
	}
	answer := &matrix.Error{
		Status: http.StatusUnauthorized,
		Extra:  map[string]any{"session": s.id, "flows": flows, "params": params},
	}
	if completed := e.sessions.completed(s); len(completed) > 0 {
		answer.Extra["completed"] = completed
	}
	if why != nil {
		answer.Code, answer.Text = why.Code, why.Text
	}
	return answer
}

// isNext reports whether stage follows completed in some flow.
func isNext(flows []Flow, completed []string, stage string) bool {
	n := len(completed)
	return slices.ContainsFunc(flows, func(f Flow) bool {
		return len(f) > n && f[n] == stage && slices.Equal(f[:n], completed)
	})
}
