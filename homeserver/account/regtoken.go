package account

import (
	"context"
	"crypto/rand"
	"strings"

	"plenum/internal/matrix"
	"plenum/storage/accounts"
)

// maxRegistrationToken is how many characters a registration token may have.
const maxRegistrationToken = 64

// RegistrationToken is a token with which people open accounts.
type RegistrationToken = accounts.RegistrationToken

// CreateRegistrationToken makes a token with which people open accounts. When
// it has no name, one is made up.
func (a *Accounts) CreateRegistrationToken(ctx context.Context, t accounts.RegistrationToken) (_ accounts.RegistrationToken, err error) {
	defer matrix.Wrap(&err, "create registration token")
	if t.Token == "" {
		t.Token = strings.ToLower(rand.Text()[:16])
	}
	now := a.opt.Now().UnixMilli()
	switch {
	case !isOpaque(t.Token, maxRegistrationToken):
		return t, matrix.Errorf(matrix.InvalidParam, "A registration token has up to %d letters, digits and the characters . _ ~ -", maxRegistrationToken)
	case t.UsesAllowed != nil && *t.UsesAllowed < 1:
		return t, matrix.Errorf(matrix.InvalidParam, "A registration token that cannot be used makes no sense.")
	case t.ExpiresMS != nil && *t.ExpiresMS <= now:
		return t, matrix.Errorf(matrix.InvalidParam, "The time until which the token is valid is over.")
	case !isPlain(t.Note):
		return t, matrix.Errorf(matrix.InvalidParam, "The note is not plain text.")
	}
	t.CreatedMS, t.Used = now, 0
	added, err := a.store.AddRegistrationToken(ctx, t)
	if err == nil && !added {
		err = matrix.Errorf(matrix.InvalidParam, "There is such a token already.")
	}
	return t, err
}

// RegistrationTokens returns all registration tokens, used and expired ones
// too, the oldest first.
func (a *Accounts) RegistrationTokens(ctx context.Context) ([]accounts.RegistrationToken, error) {
	return a.store.RegistrationTokens(ctx)
}

// RevokeRegistrationToken removes a registration token.
func (a *Accounts) RevokeRegistrationToken(ctx context.Context, token string) error {
	found, err := a.store.RemoveRegistrationToken(ctx, token)
	if err == nil && !found {
		err = matrix.Errorf(matrix.NotFound, "There is no such token.")
	}
	return err
}

// IsValidRegistrationToken reports whether an account can be opened with a
// token now.
//
// Spec: client-server-api#get_matrixclientv1registermloginregistration_tokenvalidity
func (a *Accounts) IsValidRegistrationToken(ctx context.Context, token string) (bool, error) {
	if a.opt.Registration == Closed {
		return false, errRegistrationClosed()
	}
	if !isOpaque(token, maxRegistrationToken) {
		return false, nil
	}
	return a.store.IsUsable(ctx, token)
}

// isOpaque reports whether s is an identifier of 1 to most characters.
//
// Spec: appendices#opaque-identifiers
func isOpaque(s string, most int) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= most
}
