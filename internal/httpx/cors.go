package httpx

import "net/http"

// Headers with which clients in browsers may read every answer, wherever
// their pages come from.
//
// Spec: client-server-api#web-browser-clients
var (
	anyOrigin      = []string{"*"}
	anyMethod      = []string{"GET, POST, PUT, DELETE, OPTIONS"}
	allowedHeaders = []string{"X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match"}
	exposedHeaders = []string{"Retry-After, Content-Disposition, ETag"}
	preflightAge   = []string{"86400"}
)

// allowOrigins marks an answer, or an error, as readable.
func allowOrigins(h http.Header) {
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Allow-Methods"] = anyMethod
	h["Access-Control-Allow-Headers"] = allowedHeaders
	h["Access-Control-Expose-Headers"] = exposedHeaders
}

// preflight answers the question that browsers ask first. It does so for every
// path: a browser hides the 404 by which clients learn that something is not
// there, unless the question before it was answered.
func preflight(w http.ResponseWriter) {
	w.Header()["Access-Control-Max-Age"] = preflightAge
	w.WriteHeader(http.StatusNoContent)
}
