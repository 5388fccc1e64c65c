package oauth

import (
	"context"
	"errors"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/oauth"
)

// Token gives a program the tokens that it asks for with the parameters of a
// token request. The error is an *oidc.Error when it is the program's fault,
// or somebody has not agreed (yet).
//
// Spec: client-server-api#grant-types
func (s *Server) Token(ctx context.Context, params url.Values) (_ *oidc.AccessTokenResponse, err error) {
	defer matrix.Wrap(&err, "token request")
	var who struct {
		GrantType oidc.GrantType `schema:"grant_type"`
		ClientID  string         `schema:"client_id"`
	}
	if err := decode(&who, params); err != nil {
		return nil, err
	}
	grant := map[oidc.GrantType]func(context.Context, Client, url.Values) (*oidc.AccessTokenResponse, error){
		oidc.GrantTypeCode:         s.byCode,
		oidc.GrantTypeRefreshToken: s.byRefreshToken,
		oidc.GrantTypeDeviceCode:   s.byDeviceCode,
	}[who.GrantType]
	if grant == nil {
		return nil, oidc.ErrUnsupportedGrantType().WithDescription("this grant_type is missing or not supported")
	}
	client, err := s.client(ctx, who.ClientID)
	if err != nil {
		return nil, err
	}
	if !client.may(who.GrantType) && who.GrantType != oidc.GrantTypeRefreshToken { // which everybody gets a token for
		return nil, oidc.ErrUnauthorizedClient().WithDescription("the client has not registered for this grant")
	}
	return grant(ctx, client, params)
}

// tokens is the answer with the tokens of a session.
func tokens(session account.Session, scope string) *oidc.AccessTokenResponse {
	answer := &oidc.AccessTokenResponse{
		AccessToken: session.Access, TokenType: oidc.BearerToken, RefreshToken: session.Refresh,
		ExpiresIn: uint64(session.Life.Seconds()),
	}
	if scope != "" {
		answer.Scope = oidc.SpaceDelimitedArray{scope}
	}
	return answer
}

func errGrant() error {
	return oidc.ErrInvalidGrant().WithDescription("this is not known, used, expired, or somebody else's")
}

// byCode gives tokens for what somebody has allowed in their browser. When a
// code comes twice, somebody has stolen it: then the session of the first
// time ends, too.
func (s *Server) byCode(ctx context.Context, client Client, params url.Values) (*oidc.AccessTokenResponse, error) {
	var asked oidc.AccessTokenRequest
	if err := decode(&asked, params); err != nil {
		return nil, err
	}
	if asked.Code == "" || asked.RedirectURI == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("code and redirect_uri are needed")
	}
	h := store.HashOf(asked.Code)
	var answer *oidc.AccessTokenResponse
	var outcome error // of a write that is committed nevertheless
	err := s.store.Write(ctx, func(tx *storage.Tx) error {
		outcome = nil
		code, ok, err := s.store.Code(ctx, tx, h)
		switch {
		case err != nil:
			return err
		case !ok || code.Client != client.ID || code.RedirectURI != asked.RedirectURI || !verifies(code, asked.CodeVerifier):
			return errGrant()
		case code.Used:
			outcome = errGrant()
			return s.accounts.EndIn(ctx, tx, code.User, code.Device)
		}
		if err := s.store.UseCode(ctx, tx, h); err != nil {
			return err
		}
		session, err := s.accounts.Admit(ctx, tx, code.User, account.NewDevice{
			ID: code.Device, Name: client.Title(), Renewable: true, Client: client.ID,
		})
		answer = tokens(session, code.Scope)
		return err
	})
	if err == nil {
		err = outcome
	}
	return answer, asGrantError(err)
}

// verifies reports whether a verifier is the one of the challenge.
func verifies(code store.Code, verifier string) bool {
	if len(verifier) < minVerifier || len(verifier) > maxVerifier {
		return false
	}
	return oidc.VerifyCodeChallenge(&oidc.CodeChallenge{Challenge: code.Challenge, Method: oidc.CodeChallengeMethodS256}, verifier)
}

// byRefreshToken gives a session its next tokens.
func (s *Server) byRefreshToken(ctx context.Context, client Client, params url.Values) (*oidc.AccessTokenResponse, error) {
	var asked oidc.RefreshTokenRequest
	if err := decode(&asked, params); err != nil {
		return nil, err
	}
	if asked.RefreshToken == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("the refresh_token is missing")
	}
	session, err := s.accounts.RefreshFor(ctx, client.ID, asked.RefreshToken)
	if err != nil {
		return nil, asGrantError(err)
	}
	return tokens(session, ""), nil // the scope is the one that it was
}

// asGrantError says in words of the protocol why an account gives no tokens.
func asGrantError(err error) error {
	var refusal *matrix.Error
	if errors.As(err, &refusal) && refusal.Code != matrix.LimitExceeded {
		return oidc.ErrInvalidGrant().WithDescription("%s", refusal.Text)
	}
	return err
}
