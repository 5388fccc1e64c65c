package account

import (
	"context"
	"errors"
	"net/http"

	"plenum/internal/matrix"
	"plenum/storage/accounts"
)

// Authenticate returns whom an access token speaks for. It implements
// httpx.Authenticator.
//
// Spec: client-server-api#using-access-tokens
func (a *Accounts) Authenticate(ctx context.Context, token string, r *http.Request) (matrix.Principal, error) {
	h := accounts.HashOf(token)
	t := a.store.Cached(h)
	if t == nil {
		if _, ok := openToken(accessToken, token); !ok {
			if s := a.opt.Services.ByToken(token); s != nil {
				return a.authenticateService(ctx, s, r)
			}
			return matrix.Principal{}, errUnknownToken()
		}
		var err error
		if t, err = a.store.Token(ctx, h); err != nil {
			return matrix.Principal{}, err
		}
		if t == nil {
			return matrix.Principal{}, errUnknownToken()
		}
	}
	now, acc := a.opt.Now(), t.Account()
	if t.ExpiresMS != 0 && now.UnixMilli() >= t.ExpiresMS {
		return matrix.Principal{}, errExpired()
	}
	p := matrix.Principal{User: acc.User, Device: t.Device, Admin: acc.Admin, Suspended: acc.Suspended}
	if acc.Locked {
		return p, errLocked()
	}
	a.store.Used(t, now)
	return p, nil
}

func errUnknownToken() error {
	return matrix.Errorf(matrix.UnknownToken, "This session has ended. Sign in again.")
}

// errExpired is for a session that lives on, once its client renews the token
// or signs in again on the same device.
//
// Spec: client-server-api#soft-logout
func errExpired() error {
	return &matrix.Error{
		Code: matrix.UnknownToken, Text: "The access token has expired.",
		Extra: map[string]any{"soft_logout": true},
	}
}

// errLocked tells the client to keep what it has.
//
// Spec: client-server-api#account-locking
func errLocked() error {
	return &matrix.Error{
		Code: matrix.UserLocked, Text: "This account has been locked.",
		Extra: map[string]any{"soft_logout": true},
	}
}

// isRefusal reports whether err is an answer for people, which does not get
// better by trying again.
func isRefusal(err error) bool {
	var refusal *matrix.Error
	return errors.As(err, &refusal)
}
