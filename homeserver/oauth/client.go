package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"plenum/internal/matrix"
)

// Client is a program that people sign in with, as it has registered itself.
//
// Spec: client-server-api#client-metadata
type Client struct {
	ID           string           `json:"client_id,omitempty"`
	Name         string           `json:"client_name,omitempty"`
	URI          string           `json:"client_uri"`
	Logo         string           `json:"logo_uri,omitempty"`
	Terms        string           `json:"tos_uri,omitempty"`
	Privacy      string           `json:"policy_uri,omitempty"`
	RedirectURIs []string         `json:"redirect_uris,omitempty"`
	Responses    []string         `json:"response_types,omitempty"`
	Grants       []oidc.GrantType `json:"grant_types,omitempty"`
	AuthMethod   oidc.AuthMethod  `json:"token_endpoint_auth_method,omitempty"`
	Type         string           `json:"application_type,omitempty"`
}

// The types of clients.
const (
	web    = "web"
	native = "native"
)

// grants are what programs can get tokens by.
var grants = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}

const (
	maxRedirectURIs = 20
	maxURI          = 2000 // bytes
	maxName         = 80   // characters
)

// Host is the host of the client's home page. It is what can be said about a
// program for sure: redirect addresses have to fit to it.
func (c Client) Host() string {
	u, err := parseHTTPS(c.URI)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Title is how the program is called.
func (c Client) Title() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Host()
}

// may reports whether the client has registered for a grant.
func (c Client) may(g oidc.GrantType) bool { return slices.Contains(c.Grants, g) }

// RegistrationError says why a program cannot register.
type RegistrationError struct {
	Code string // of RFC 7591
	Text string
}

// Error is for logs.
func (e *RegistrationError) Error() string { return e.Code + ": " + e.Text }

func badMetadata(text string) error {
	return &RegistrationError{"invalid_client_metadata", text}
}

// Register registers a program. The same metadata gives the same client.
//
// Spec: client-server-api#client-registration
func (s *Server) Register(ctx context.Context, c Client) (_ Client, err error) {
	defer matrix.Wrap(&err, "register client")
	if err := c.complete(); err != nil {
		return Client{}, err
	}
	metadata, err := json.Marshal(c)
	if err != nil {
		return Client{}, err
	}
	c.ID = clientID(metadata)
	ok, err := s.store.AddClient(ctx, c.ID, metadata, int64(s.opt.Clients))
	if err == nil && !ok {
		err = &matrix.Error{Code: matrix.LimitExceeded, Text: "Too many programs have registered. Try again later.", RetryAfter: time.Hour}
	}
	return c, err
}

// clientID makes the id of a client with metadata.
func clientID(metadata []byte) string {
	sum := sha256.Sum256(metadata)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// complete fills in what is left out, leaves out what this server does not
// know, and says what will not do.
func (c *Client) complete() error {
	c.ID = ""
	c.Name = plainName(c.Name)
	if c.Type == "" {
		c.Type = web
	}
	if c.Type != web && c.Type != native {
		return badMetadata("The application_type must be web or native.")
	}
	if c.AuthMethod == "" {
		c.AuthMethod = oidc.AuthMethodNone
	}
	if c.AuthMethod != oidc.AuthMethodNone {
		return badMetadata("Clients have no secrets here: token_endpoint_auth_method must be none.")
	}
	if err := c.completeGrants(); err != nil {
		return err
	}
	return c.checkURIs()
}

func (c *Client) completeGrants() error {
	if c.Grants == nil {
		c.Grants = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	}
	if c.Responses == nil {
		c.Responses = []string{string(oidc.ResponseTypeCode)}
	}
	c.Grants = slices.DeleteFunc(slices.Clone(grants), func(g oidc.GrantType) bool { return !c.may(g) }) // in one order, once each
	if slices.Contains(c.Responses, string(oidc.ResponseTypeCode)) {
		c.Responses = []string{string(oidc.ResponseTypeCode)}
	} else {
		c.Responses = nil
	}
	switch {
	case !c.may(oidc.GrantTypeCode) && !c.may(oidc.GrantTypeDeviceCode):
		return badMetadata("The grant_types must name authorization_code or the grant of devices.")
	case c.may(oidc.GrantTypeCode) && c.Responses == nil:
		return badMetadata("The response_types must name code.")
	case c.may(oidc.GrantTypeCode) && len(c.RedirectURIs) == 0:
		return &RegistrationError{invalidRedirect, "The redirect_uris are missing."}
	case len(c.RedirectURIs) > maxRedirectURIs:
		return &RegistrationError{invalidRedirect, "There are too many redirect_uris."}
	}
	return nil
}

// plainName makes a name that can be shown: without what is not visible, or
// changes the direction of what follows, and not too long.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if all := []rune(name); len(all) > maxName {
		name = string(all[:maxName])
	}
	return name
}

// client returns a registered program. The error is for programs.
func (s *Server) client(ctx context.Context, clientID string) (Client, error) {
	metadata, ok, err := s.store.Client(ctx, clientID)
	if err != nil {
		return Client{}, err
	}
	if !ok {
		return Client{}, oidc.ErrInvalidClient().WithDescription("this client_id is not registered, or not any more")
	}
	var c Client
	if err := json.Unmarshal(metadata, &c); err != nil {
		return Client{}, err
	}
	c.ID = clientID
	return c, nil
}

// ClientOf returns the program that has begun a session, for people to read,
// and false when it is not known.
func (s *Server) ClientOf(ctx context.Context, clientID string) (Client, bool, error) {
	if clientID == "" {
		return Client{}, false, nil
	}
	c, err := s.client(ctx, clientID)
	if isProtocol(err) {
		return Client{}, false, nil
	}
	return c, err == nil, err
}
