package portal

import (
	"net/http"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
)

// signUpView is what the page of a new account shows, besides the name that
// was typed.
type signUpView struct {
	ByToken   bool
	Token     string
	Terms     []account.PolicyText
	SignIn    string // address of the page of signing in
	MinLength int
	Wrong     string // the field with the problem
}

func (v *visit) signUpView(token string) signUpView {
	d := signUpView{
		ByToken: v.api.accounts.WhoCanRegister() == account.ByToken, Token: token,
		SignIn: withNext(signInPath, v.next()), MinLength: v.api.accounts.MinPassword(),
	}
	for _, policy := range v.api.accounts.Terms() {
		d.Terms = append(d.Terms, textIn(policy.Texts, v.said.Lang))
	}
	return d
}

// textIn returns the text in a language, or else in another.
func textIn(texts map[string]account.PolicyText, lang string) account.PolicyText {
	for _, l := range []string{lang, languages[0].Lang} {
		if text, ok := texts[l]; ok {
			return text
		}
	}
	for _, text := range texts {
		return text
	}
	return account.PolicyText{}
}

// showSignUp is the page of a new account.
func (a *API) showSignUp(v *visit) error {
	if a.accounts.WhoCanRegister() == account.Closed {
		return v.page(http.StatusForbidden, "closed", view{Title: v.said.ClosedTitle, Data: withNext(signInPath, v.next())})
	}
	return v.page(http.StatusOK, "sign-up", view{Title: v.said.SignUp, Lead: v.said.SignUpOn, Data: v.signUpView(v.r.URL.Query().Get("token"))})
}

// signUp is its form.
func (a *API) signUp(v *visit) error {
	again := func(status int, wrong, problem string) error {
		d := v.signUpView(v.field("token"))
		d.Wrong = wrong
		return v.page(status, "sign-up", view{Title: v.said.SignUp, Lead: v.said.SignUpOn, Problem: problem, Typed: v.field("name"), Data: d})
	}
	if v.field("password") != v.field("again") {
		return again(http.StatusBadRequest, "password", v.said.Differ)
	}
	user, err := a.accounts.SignUp(v.r.Context(), account.SignUp{
		Name: v.field("name"), Password: v.field("password"), Token: v.field("token"), Accepts: v.field("accept") != "",
	})
	if err != nil {
		if status, text, ok := v.problem(err); ok {
			return again(status, wrongField(err), text)
		}
		return err
	}
	secret, err := a.server.Remember(v.r.Context(), user)
	if err != nil {
		return err
	}
	return v.arrive(secret)
}

// wrongField says which field an error is about.
func wrongField(err error) string {
	switch {
	case matrix.IsCode(err, matrix.Unauthorized):
		return "token"
	case matrix.IsCode(err, matrix.WeakPassword):
		return "password"
	case matrix.IsCode(err, matrix.MissingParam):
		return "accept"
	}
	return "name"
}
