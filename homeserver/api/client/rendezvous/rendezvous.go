// Package rendezvous is the client-server API by which two devices meet to
// sign one of them in by a QR code. There are two forms of it: clients of 2024
// and later read and write a document with plain HTTP, those to come use JSON.
package rendezvous

import (
	"net/http"
	"slices"

	"plenum/homeserver/rendezvous"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// API serves places to meet. The two forms share none, so that what one of
// them takes never surprises a client of the other.
type API struct {
	notes     *rendezvous.Places
	documents *rendezvous.Places
	publicURL string // where clients reach this server
}

// New returns the API of a server at publicURL.
func New(publicURL string, opt rendezvous.Options) *API {
	return &API{notes: rendezvous.New(opt), documents: rendezvous.New(opt), publicURL: publicURL}
}

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route { return slices.Concat(a.noteRoutes(), a.documentRoutes()) }

// refuseNavigation refuses to show in a browser's window what is meant for
// programs: nobody is to be lured here to read what a stranger wrote.
//
// Spec: MSC4388, unsafe content
func refuseNavigation(r *http.Request) error {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" || r.Header.Get("Sec-Fetch-Dest") == "document" {
		return matrix.Errorf(matrix.Forbidden, "This is for programs that sign in, not to look at.")
	}
	return nil
}
