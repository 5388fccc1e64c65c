package web

import (
	"net/http"
	"slices"

	"plenum/internal/httpx"
)

// home is what the page at / shows: what this is, in every language, the
// reader's first.
type home struct {
	words
	Server, Address string
	Others          []words
}

// welcome is GET of the page that people see who come here with a browser.
func (a *API) welcome(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said := wordsFor(r.HTTP)
	others := slices.DeleteFunc(slices.Clone(languages), func(other words) bool { return other.Lang == said.Lang })
	said.Title = said.HomeTitle
	w.Header().Set("Vary", "Accept-Language")
	return write(w, said, http.StatusOK, "home", home{words: said, Server: a.serverName, Address: a.publicURL, Others: others})
}
