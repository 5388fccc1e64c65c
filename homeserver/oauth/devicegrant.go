package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/oauth"
)

// Waiting is what a program without a browser is told.
type Waiting struct {
	DeviceCode string
	UserCode   string // for people to type
	Life       time.Duration
	Interval   time.Duration // at which to ask whether somebody has agreed
}

// userLetters are those of codes that people type: no vowels, so that there
// are no words, and none that look like each other.
const userLetters = "BCDFGHJKLMNPQRSTVWXZ"

const userCodeLength = 8

// newUserCode makes a code for people to type.
func newUserCode() string {
	code := make([]byte, 0, userCodeLength+1)
	for len(code) < userCodeLength+1 {
		if len(code) == userCodeLength/2 {
			code = append(code, '-')
		}
		var b [1]byte
		rand.Read(b[:])                                // never fails
		if n := len(userLetters) * 12; int(b[0]) < n { // all letters alike
			code = append(code, userLetters[int(b[0])%len(userLetters)])
		}
	}
	return string(code)
}

// hashOfTyped returns the hash of a code as somebody types it: in any case,
// with or without the hyphen.
func hashOfTyped(code string) store.Hash {
	return store.HashOf(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			r += 'A' - 'a'
		}
		if r < 'A' || r > 'Z' {
			return -1
		}
		return r
	}, code))
}

// Wait lets a program without a browser wait for somebody to type a code, with
// the parameters of a device authorization request.
//
// Spec: client-server-api#device-authorisation-flow
func (s *Server) Wait(ctx context.Context, params url.Values) (w Waiting, err error) {
	defer matrix.Wrap(&err, "device authorization request")
	var asked oidc.DeviceAuthorizationRequest
	if err := decode(&asked, params); err != nil {
		return w, err
	}
	client, err := s.client(ctx, asked.ClientID)
	if err != nil {
		return w, err
	}
	if !client.may(oidc.GrantTypeDeviceCode) {
		return w, oidc.ErrUnauthorizedClient().WithDescription("the client has not registered for this grant")
	}
	scope, err := parseScope(asked.Scopes)
	if err != nil {
		return w, err
	}
	w = Waiting{newSecret(), newUserCode(), s.opt.WaitingLife, s.opt.Interval}
	ok, err := s.store.AddDeviceCode(ctx, store.HashOf(w.DeviceCode), hashOfTyped(w.UserCode), store.DeviceCode{
		Client: client.ID, Scope: scope.granted, Device: scope.device, ExpiresMS: s.opt.Now().Add(w.Life).UnixMilli(),
	}, int64(s.opt.Waiting))
	if err == nil && !ok { // or two codes are the same, which is as good a reason to try again
		err = &matrix.Error{Code: matrix.LimitExceeded, Text: "Too many programs are waiting. Try again in a moment.", RetryAfter: time.Minute}
	}
	return w, err
}

// WaitingClient returns the program, and the device it is on, that waits for
// somebody to type a code; false when none does.
func (s *Server) WaitingClient(ctx context.Context, typed string) (c Client, device id.DeviceID, ok bool, err error) {
	defer matrix.Wrap(&err, "code that was typed")
	code, ok, err := s.store.WaitingFor(ctx, hashOfTyped(typed))
	if err != nil || !ok {
		return Client{}, "", false, err
	}
	c, ok, err = s.ClientOf(ctx, code.Client)
	return c, code.Device, ok, err
}

// Decide lets the program that waits for a code have a session of user, or
// not. It reports false when none waits any more.
func (s *Server) Decide(ctx context.Context, typed string, allow bool, user id.UserID) (bool, error) {
	state := store.Denied
	if allow {
		state = store.Allowed
	}
	return s.store.Decide(ctx, hashOfTyped(typed), state, user)
}

// byDeviceCode gives tokens for what somebody has allowed after typing a code.
func (s *Server) byDeviceCode(ctx context.Context, client Client, params url.Values) (*oidc.AccessTokenResponse, error) {
	var asked oidc.DeviceAccessTokenRequest
	if err := decode(&asked, params); err != nil {
		return nil, err
	}
	h := store.HashOf(asked.DeviceCode)
	code, ok, err := s.store.ReadDeviceCode(ctx, h)
	switch {
	case err != nil:
		return nil, err
	case !ok || code.Client != client.ID:
		return nil, errGrant()
	case s.opt.Now().UnixMilli() >= code.ExpiresMS:
		return nil, oidc.ErrExpiredDeviceCode()
	case code.State == store.Pending && !s.polls.may(h):
		return nil, oidc.ErrSlowDown()
	case code.State == store.Pending:
		return nil, oidc.ErrAuthorizationPending()
	case code.State == store.Denied:
		return nil, oidc.ErrAccessDenied()
	}
	return s.collect(ctx, h, client)
}

// errCollected says that another request was faster.
var errCollected = errors.New("device code was used")

// collect begins the session that was allowed, once.
func (s *Server) collect(ctx context.Context, h store.Hash, client Client) (answer *oidc.AccessTokenResponse, err error) {
	err = s.store.Write(ctx, func(tx *storage.Tx) error {
		code, ok, err := s.store.DeviceCode(ctx, tx, h)
		if err != nil {
			return err
		}
		if !ok || code.State != store.Allowed {
			return errCollected
		}
		if err := s.store.DropDeviceCode(ctx, tx, h); err != nil {
			return err
		}
		session, err := s.accounts.Admit(ctx, tx, code.User, account.NewDevice{
			ID: code.Device, Name: client.Title(), Renewable: true, Client: client.ID,
		})
		answer = tokens(session, code.Scope)
		return err
	})
	if errors.Is(err, errCollected) {
		err = errGrant()
	}
	if err != nil {
		return nil, asGrantError(err)
	}
	return answer, nil
}

// polls remembers when programs have asked last.
type polls struct {
	interval time.Duration
	now      func() time.Time

	mu   sync.Mutex
	last *lru.Cache[store.Hash, time.Time]
}

func newPolls(interval time.Duration, now func() time.Time) *polls {
	last, err := lru.New[store.Hash, time.Time](10_000)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &polls{interval: interval, now: now, last: last}
}

// may reports whether a program may ask already. The network may shorten the
// time between two requests a little.
func (p *polls) may(h store.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	last, ok := p.last.Get(h)
	p.last.Add(h, now)
	return !ok || now.Sub(last) >= p.interval*4/5
}
