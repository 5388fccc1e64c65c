package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	store "plenum/storage/oauth"
)

// Request is what a program asks somebody for in their browser.
type Request struct {
	Client Client
	Device id.DeviceID
	Create bool   // the program thinks that there is no account yet
	Hint   string // who the program thinks it is; may be anything

	asked oidc.AuthRequest
	scope scope
}

// maxQuery is how long the query of a request may be.
const maxQuery = 8 << 10

// PKCE: a challenge is the SHA-256 of a verifier.
const (
	challengeLength = 43
	minVerifier     = 43
	maxVerifier     = 128
)

// Refused is a request whose program is to be told that it cannot be, at To.
type Refused struct{ To string }

// Error is for logs.
func (r *Refused) Error() string { return "authorization request refused" }

// Authorization checks what a program asks for with the parameters of an
// authorization request. The error is *Refused when the program can be told,
// and an *oidc.Error when it cannot, because it is not known or would be told
// at an address that is not its own.
//
// Spec: client-server-api#authorisation-code-flow
func (s *Server) Authorization(ctx context.Context, query string) (r *Request, err error) {
	defer matrix.Wrap(&err, "authorization request")
	params, err := url.ParseQuery(query)
	if err != nil || len(query) > maxQuery {
		return nil, oidc.ErrInvalidRequest().WithDescription("the query is too long or not well encoded")
	}
	r = &Request{}
	if err := decode(&r.asked, params); err != nil {
		return nil, err
	}
	if r.Client, err = s.client(ctx, r.asked.ClientID); err != nil {
		return nil, err
	}
	if strings.Contains(r.asked.RedirectURI, "#") {
		return nil, oidc.ErrInvalidRequestRedirectURI().WithDescription("the redirect_uri has a fragment")
	}
	client := libraryClient{r.Client}
	if err := op.ValidateAuthReqRedirectURI(client, r.asked.RedirectURI, r.asked.ResponseType); err != nil {
		return nil, err
	}
	if err := r.check(client); err != nil {
		return nil, r.refuse(err)
	}
	r.Device, r.Hint = r.scope.device, strings.TrimPrefix(r.asked.LoginHint, "mxid:")
	r.Create = slices.Contains(r.asked.Prompt, "create")
	return r, nil
}

// check looks at everything that the program can be told about.
func (r *Request) check(client op.Client) (err error) {
	a := r.asked
	if !r.Client.may(oidc.GrantTypeCode) {
		return oidc.ErrUnauthorizedClient().WithDescription("the client has not registered for this grant")
	}
	if err := op.ValidateAuthReqResponseType(client, a.ResponseType); err != nil {
		return err
	}
	if _, err := op.ValidateAuthReqPrompt(a.Prompt, a.MaxAge); err != nil {
		return err
	}
	switch {
	case a.RequestParam != "":
		return oidc.ErrRequestNotSupported()
	case a.ResponseMode != "" && a.ResponseMode != oidc.ResponseModeQuery && a.ResponseMode != oidc.ResponseModeFragment:
		r.asked.ResponseMode = ""
		return oidc.ErrInvalidRequest().WithDescription("the response_mode must be query or fragment")
	case a.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || len(a.CodeChallenge) != challengeLength:
		return oidc.ErrInvalidRequest().WithDescription("PKCE with the code_challenge_method S256 is needed")
	case slices.Contains(a.Prompt, oidc.PromptNone):
		return oidc.ErrInteractionRequired().WithDescription("people are always asked")
	}
	r.scope, err = parseScope(a.Scopes)
	return err
}

// refuse makes the error that tells the program at its address.
func (r *Request) refuse(err error) error {
	var told *oidc.Error
	if !errors.As(err, &told) {
		return err
	}
	told.State = r.asked.State
	to, err := r.answer(told)
	if err != nil {
		return err
	}
	return &Refused{to}
}

// answer returns the address at which the program is told an answer.
func (r *Request) answer(response any) (string, error) {
	return op.AuthResponseURL(r.asked.RedirectURI, oidc.ResponseTypeCode, r.asked.ResponseMode, response, oidc.NewEncoder())
}

// RedirectURI is the address at which the program gets its answer.
func (r *Request) RedirectURI() string { return r.asked.RedirectURI }

// Deny returns where the program learns that somebody does not agree.
func (s *Server) Deny(r *Request) (string, error) {
	e := oidc.ErrAccessDenied()
	e.State = r.asked.State
	return r.answer(e)
}

// Allow notes that user agrees, and returns where the program learns it.
func (s *Server) Allow(ctx context.Context, r *Request, user id.UserID) (to string, err error) {
	defer matrix.Wrap(&err, "allow client")
	code := newSecret()
	err = s.store.AddCode(ctx, store.HashOf(code), store.Code{
		Client: r.Client.ID, RedirectURI: r.asked.RedirectURI, Challenge: r.asked.CodeChallenge,
		Scope: r.scope.granted, Device: r.Device, User: user,
	}, s.opt.Now().Add(s.opt.CodeLife).UnixMilli())
	if err != nil {
		return "", err
	}
	return r.answer(&op.CodeResponseType{Code: code, State: r.asked.State})
}
