package oauth

import (
	"context"
	"encoding/base64"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/oauth"
)

// BrowserLife is how long somebody stays signed in to the pages.
func (s *Server) BrowserLife() time.Duration { return s.opt.BrowserLife }

// SignIn signs somebody in to the pages who knows the password of an account,
// and returns the secret by which their browser is known.
func (s *Server) SignIn(ctx context.Context, name, password string) (secret string, err error) {
	defer matrix.Wrap(&err, "sign in a browser")
	acc, err := s.accounts.Prove(ctx, name, password)
	if err != nil {
		return "", err
	}
	return s.remember(ctx, store.Browser{User: acc.User, PasswordPos: acc.PasswordPos})
}

// Remember signs somebody in to the pages whom the caller knows for sure.
func (s *Server) Remember(ctx context.Context, user id.UserID) (secret string, err error) {
	defer matrix.Wrap(&err, "remember a browser")
	acc, ok, err := s.accounts.Open(ctx, user)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", matrix.Errorf(matrix.NotFound, "There is no such account.")
	}
	return s.remember(ctx, store.Browser{User: user, PasswordPos: acc.PasswordPos})
}

func (s *Server) remember(ctx context.Context, b store.Browser) (string, error) {
	secret := newSecret()
	return secret, s.store.Write(ctx, func(tx *storage.Tx) error {
		return s.store.AddBrowser(ctx, tx, store.HashOf(secret), b, s.opt.Now().Add(s.opt.BrowserLife).UnixMilli())
	})
}

// Who returns who is signed in to the pages in a browser, "" when nobody is.
// Another password, and whatever closes or locks the account, ends that.
func (s *Server) Who(ctx context.Context, secret string) (id.UserID, error) {
	if len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return "", nil
	}
	b, ok, err := s.store.Browser(ctx, store.HashOf(secret))
	if err != nil || !ok {
		return "", err
	}
	acc, ok, err := s.accounts.Open(ctx, b.User)
	if err != nil || !ok || acc.PasswordPos != b.PasswordPos {
		return "", err
	}
	return b.User, nil
}

// Forget signs somebody out of the pages in a browser.
func (s *Server) Forget(ctx context.Context, secret string) error {
	return s.store.DropBrowser(ctx, store.HashOf(secret))
}
