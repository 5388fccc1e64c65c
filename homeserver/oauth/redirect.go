package oauth

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

const invalidRedirect = "invalid_redirect_uri"

var errURI = errors.New("not an https address")

// parseHTTPS parses the address of a page in the internet.
func parseHTTPS(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURI || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, errURI
	}
	return u, nil
}

// onHost reports whether host is base or below it.
func onHost(host, base string) bool {
	host, base = strings.ToLower(host), strings.ToLower(base)
	return host == base || strings.HasSuffix(host, "."+base)
}

// checkURIs checks the addresses in the metadata. Those of pages, and of
// redirects that are pages, must be on the host of the client's home page or
// below it.
//
// Spec: client-server-api#redirect-uri-validation
func (c *Client) checkURIs() error {
	home, err := parseHTTPS(c.URI)
	if err != nil {
		return badMetadata("The client_uri must be the https address of a page about the client.")
	}
	for name, raw := range map[string]string{"logo_uri": c.Logo, "tos_uri": c.Terms, "policy_uri": c.Privacy} {
		if raw == "" {
			continue
		}
		if u, err := parseHTTPS(raw); err != nil || !onHost(u.Hostname(), home.Hostname()) {
			return badMetadata("The " + name + " must be an https address on the host of the client_uri.")
		}
	}
	for _, raw := range c.RedirectURIs {
		if why := c.badRedirect(raw, home.Hostname()); why != "" {
			return &RegistrationError{invalidRedirect, why}
		}
	}
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	slices.Sort(c.RedirectURIs)
	c.RedirectURIs = slices.Compact(c.RedirectURIs)
	return nil
}

// badRedirect says what is wrong with a redirect address, "" when nothing is.
func (c *Client) badRedirect(raw, host string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURI || strings.Contains(raw, "#"):
		return "A redirect URI must be a whole address without a fragment."
	case u.Scheme == "https":
		if u, err := parseHTTPS(raw); err != nil || !onHost(u.Hostname(), host) {
			return "An https redirect URI must be on the host of the client_uri, and name no user."
		}
		return ""
	case c.Type != native:
		return "The redirect URIs of a web client must begin with https."
	case u.Scheme == "http":
		if !isLoopback(u.Hostname()) || u.Port() != "" || u.User != nil {
			return "An http redirect URI must be http://localhost, http://127.0.0.1 or http://[::1] without a port."
		}
		return ""
	case !isOwnScheme(u.Scheme, host):
		return "The scheme of a redirect URI must begin with the host of the client_uri, backwards: com.example.app for example.com."
	case u.Host != "" || strings.HasPrefix(raw[len(u.Scheme)+1:], "//"):
		return "A redirect URI with a scheme of its own must not have a host: com.example.app:/callback."
	}
	return ""
}

// isLoopback reports whether host is this machine, in one of the three forms
// that programs may use.
func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// isOwnScheme reports whether a scheme begins with host backwards. Hosts
// without a dot have no scheme of their own: it could be javascript.
func isOwnScheme(scheme, host string) bool {
	labels := strings.Split(strings.ToLower(host), ".")
	if len(labels) < 2 {
		return false
	}
	slices.Reverse(labels)
	own := strings.Join(labels, ".")
	return scheme == own || strings.HasPrefix(scheme, own+".")
}
