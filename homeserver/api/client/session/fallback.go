package session

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"plenum/homeserver/account"
	"plenum/homeserver/account/uia"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// view is what a page shows.
type view struct {
	words
	Title   string
	Problem string
	Typed   string // what was typed before
	Terms   []account.PolicyText
}

// showStage is GET /auth/{authType}/fallback/web: a page for a stage that a
// client does not know.
//
// Spec: client-server-api#fallback
func (a *API) showStage(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said, stage := wordsFor(r.HTTP), r.Path("authType")
	done, err := a.accounts.UIA().Pending(r.Query("session"), stage)
	switch {
	case err != nil || said.titles[stage] == "":
		return page(w, http.StatusGone, "gone", said, view{words: said, Title: said.GoneTitle})
	case done:
		return a.showDone(w, said)
	}
	return page(w, http.StatusOK, stage, said, a.stageView(said, stage))
}

// submitStage is POST of such a page.
func (a *API) submitStage(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said, stage := wordsFor(r.HTTP), r.Path("authType")
	if err := r.HTTP.ParseForm(); err != nil {
		return &matrix.Error{Code: matrix.InvalidParam, Text: "The form cannot be read.", Err: err}
	}
	form := r.HTTP.PostForm
	again := a.stageView(said, stage)
	again.Typed = form.Get("user") + form.Get("token")
	if stage == uia.Terms && form.Get("accept") == "" {
		again.Problem = said.MustAccept
		return page(w, http.StatusBadRequest, stage, said, again)
	}
	auth, err := json.Marshal(map[string]any{
		"identifier": map[string]string{"type": "m.id.user", "user": form.Get("user")},
		"password":   form.Get("password"), "token": form.Get("token"),
	})
	if err != nil {
		return err
	}
	err = a.accounts.UIA().Complete(r.HTTP.Context(), r.Query("session"), stage, auth)
	var refusal *uia.Refusal
	var told *matrix.Error
	switch {
	case err == nil:
		return a.showDone(w, said)
	case matrix.IsCode(err, matrix.NotFound):
		return page(w, http.StatusGone, "gone", said, view{words: said, Title: said.GoneTitle})
	case errors.As(err, &refusal):
		again.Problem = refusal.Text
		return page(w, http.StatusForbidden, stage, said, again)
	case errors.As(err, &told):
		again.Problem = told.Text
		return page(w, told.HTTPStatus(), stage, said, again)
	}
	return err
}

func (a *API) showDone(w http.ResponseWriter, said words) error {
	return page(w, http.StatusOK, "done", said, view{words: said, Title: said.DoneTitle})
}

// stageView is the page of a stage before anything was typed.
func (a *API) stageView(said words, stage string) view {
	v := view{words: said, Title: said.titles[stage]}
	if stage != uia.Terms {
		return v
	}
	for _, policy := range a.accounts.Terms() {
		v.Terms = append(v.Terms, textIn(policy.Texts, said.Lang))
	}
	return v
}

// textIn returns the text in a language, or else in another.
func textIn(texts map[string]account.PolicyText, lang string) account.PolicyText {
	for _, l := range append([]string{lang, languages[0].Lang}, slices.Sorted(maps.Keys(texts))...) {
		if text, ok := texts[l]; ok {
			return text
		}
	}
	return account.PolicyText{}
}

// showLogin is GET /_matrix/static/client/login/: a page for clients that do
// not know how to log in here.
//
// Spec: client-server-api#login-fallback
func (a *API) showLogin(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said := wordsFor(r.HTTP)
	return page(w, http.StatusOK, "login", said, view{words: said, Title: said.LoginTitle})
}
