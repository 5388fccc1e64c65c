package discovery

import (
	"context"
	"net/http"
	"slices"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// wellKnown makes the answers to those who know only the name of the server:
// its clients, other servers, and who needs help. Those that are not told are
// nil.
func wellKnown(opt Options) (client, server, support *httpx.Answer) {
	known := map[string]any{
		"m.homeserver":       map[string]string{"base_url": opt.PublicURL},
		"org.matrix.msc3814": true, // clients may keep a dehydrated device
	}
	if slices.Contains(opt.Encrypted, "private_chat") {
		known["io.element.e2ee"] = map[string]bool{"default": true}
	}
	if len(opt.Transports) > 0 {
		known["org.matrix.msc4143.rtc_foci"] = opt.Transports
	}
	if opt.Issuer != "" { // clients from before version 1.15 of the specification look for it here
		known["org.matrix.msc2965.authentication"] = map[string]string{"issuer": opt.Issuer, "account": opt.AccountPage}
	}
	client = published(known)
	if opt.Federation != "" {
		server = published(map[string]string{"m.server": opt.Federation})
	}
	if len(opt.Contacts) > 0 || opt.SupportPage != "" {
		support = published(struct {
			Contacts []Contact `json:"contacts,omitempty"`
			Page     string    `json:"support_page,omitempty"`
		}{opt.Contacts, opt.SupportPage})
	}
	return client, server, support
}

// published is an answer that may be kept for a while.
func published(v any) *httpx.Answer {
	return &httpx.Answer{Header: http.Header{"Cache-Control": {"public, max-age=3600"}}, Body: encode(v)}
}

// told answers with what is told, if it is.
func told(a *httpx.Answer) func(context.Context, *httpx.Request[httpx.None]) (*httpx.Answer, error) {
	return func(context.Context, *httpx.Request[httpx.None]) (*httpx.Answer, error) {
		if a == nil {
			return nil, matrix.Errorf(matrix.NotFound, "This server does not tell.")
		}
		return a, nil
	}
}
