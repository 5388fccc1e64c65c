package account

import (
	"context"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// NewOpenIDToken makes a token with which a service asks this server who
// somebody is.
//
// Spec: client-server-api#post_matrixclientv3useruseridopenidrequest_token
func (a *Accounts) NewOpenIDToken(ctx context.Context, p matrix.Principal) (token string, life time.Duration, err error) {
	defer matrix.Wrap(&err, "make an OpenID token")
	token, life = newToken(openIDToken, nil), a.opt.Life.OpenID
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.store.AddShort(ctx, tx, accounts.ForOpenID, accounts.HashOf(token), p.User, a.opt.Now().Add(life).UnixMilli())
	})
	return token, life, err
}

// OpenIDUser returns whose token of NewOpenIDToken it is.
//
// Spec: server-server-api#get_matrixfederationv1openiduserinfo
func (a *Accounts) OpenIDUser(ctx context.Context, token string) (user id.UserID, err error) {
	defer matrix.Wrap(&err, "look up an OpenID token")
	ok := false
	if _, ours := openToken(openIDToken, token); ours {
		if user, ok, err = a.store.Short(ctx, accounts.ForOpenID, accounts.HashOf(token)); err != nil {
			return "", err
		}
	}
	if !ok {
		return "", matrix.Errorf(matrix.UnknownToken, "The token is unknown or has expired.")
	}
	return user, nil
}
