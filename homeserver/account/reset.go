package account

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
)

// ReplaceKeys is the operation that a session by OAuth 2.0 may reauthenticate
// for: its owner allows it on a page of this server.
//
// Spec: client-server-api#oauth-authentication
const ReplaceKeys = "replace cross-signing keys"

const (
	resetLife = 10 * time.Minute
	mostReset = 10_000
)

// resets are the people who have just allowed a client to replace their
// cross-signing keys. A restart takes that back: they allow it again.
type resets struct {
	now func() time.Time

	mu    sync.Mutex
	until *lru.Cache[id.UserID, time.Time]
}

func newResets(now func() time.Time) *resets {
	until, err := lru.New[id.UserID, time.Time](mostReset)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &resets{now: now, until: until}
}

func (r *resets) allow(user id.UserID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until.Add(user, r.now().Add(resetLife))
}

func (r *resets) allowed(user id.UserID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.until.Peek(user)
	return ok && r.now().Before(until)
}

// take uses up what was allowed.
func (r *resets) take(user id.UserID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.until.Peek(user)
	r.until.Remove(user)
	return ok && r.now().Before(until)
}

// AllowReset lets the next request of user to replace their cross-signing keys
// through, for some minutes. The caller has made sure that it is user.
func (a *Accounts) AllowReset(user id.UserID) { a.resets.allow(user) }

// allowedOnPage lets p replace their keys once they have allowed it on the
// page. The client submits no stage for that, only the session.
func (a *Accounts) allowedOnPage(ctx context.Context, p matrix.Principal, auth json.RawMessage) (*uia.Grant, error) {
	var sub struct {
		Type    string `json:"type,omitempty"`
		Session string `json:"session,omitempty"`
	}
	if len(auth) > 0 {
		if err := json.Unmarshal(auth, &sub); err != nil {
			return nil, matrix.Errorf(matrix.BadJSON, "The member auth must be an object with strings for type and session.")
		}
	}
	sub.Type = ""
	if a.resets.allowed(p.User) {
		sub.Type = uia.OAuth
	}
	completed, err := json.Marshal(sub)
	if err != nil {
		return nil, err
	}
	page := map[string]any{"url": a.opt.ResetPage}
	return a.uia.Authorise(ctx, uia.Request{
		Operation: ReplaceKeys, User: p.User,
		Flows:  []uia.Flow{{uia.OAuth}, {uia.CrossSigningReset}},
		Params: map[string]any{uia.OAuth: page, uia.CrossSigningReset: page},
	}, completed)
}

// resetStage is completed by what was allowed on the page.
func (a *Accounts) resetStage(_ context.Context, r uia.Request, _ json.RawMessage) (string, error) {
	if !a.resets.take(r.User) {
		return "", &uia.Refusal{Code: matrix.Unauthorized, Text: "Allow it on the account page first."}
	}
	return string(r.User), nil
}
