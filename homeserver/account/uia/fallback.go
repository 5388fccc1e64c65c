package uia

import (
	"context"
	"encoding/json"
	"slices"

	"plenum/internal/matrix"
)

// Pending returns whether a stage of a session is completed already. The error
// is M_NOT_FOUND when the session has ended or the stage is not the next one.
//
// Spec: client-server-api#fallback
func (e *Engine) Pending(session, stage string) (done bool, err error) {
	s := e.sessions.find(session, e.opt.Now())
	if s == nil {
		return false, errNotPending()
	}
	completed := e.sessions.completed(s)
	done = slices.Contains(completed, stage)
	if !done && !isNext(s.request.Flows, completed, stage) {
		return false, errNotPending()
	}
	return done, nil
}

// Complete completes a stage of a session with auth, which is what the client
// would have submitted. When it can be tried again the error is a *Refusal.
func (e *Engine) Complete(ctx context.Context, session, stage string, auth json.RawMessage) error {
	if _, err := e.Pending(session, stage); err != nil {
		return err
	}
	s := e.sessions.find(session, e.opt.Now())
	if s == nil {
		return errNotPending()
	}
	return e.try(ctx, s, stage, auth)
}

func errNotPending() error {
	return matrix.Errorf(matrix.NotFound, "This step is not to be done now. Go back to your app and start again.")
}
