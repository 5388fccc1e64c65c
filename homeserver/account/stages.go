package account

import (
	"context"
	"encoding/json"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
)

// Named is the part of a request that says which account is meant. User is the
// older form of it.
//
// Spec: client-server-api#identifier-types
type Named struct {
	Identifier struct {
		Type string `json:"type"`
		User string `json:"user"`
	} `json:"identifier"`
	User string `json:"user"`
}

// AccountName returns the name of the account, and false when it is missing, or
// is something else that this server does not know about people.
func (n Named) AccountName() (string, bool) {
	switch n.Identifier.Type {
	case "m.id.user":
		return n.Identifier.User, n.Identifier.User != ""
	case "":
		return n.User, n.User != ""
	}
	return "", false
}

// Reauthenticate asks somebody who is signed in for their password before they
// do something that cannot be undone. subject is what it is done to: the
// permission is for nothing else. The caller spends the grant after that.
func (a *Accounts) Reauthenticate(ctx context.Context, p matrix.Principal, operation, subject string, auth json.RawMessage) (*uia.Grant, error) {
	byOAuth, err := a.byOAuth(ctx, p)
	switch {
	case err != nil:
		return nil, err
	case byOAuth && operation == ReplaceKeys:
		return a.allowedOnPage(ctx, p, auth)
	case byOAuth:
		return nil, matrix.Errorf(matrix.Forbidden, "Do this on the account page of your homeserver: this app has signed in without your password.")
	}
	return a.uia.Authorise(ctx, uia.Request{
		Operation: operation, User: p.User, Subject: subject,
		Flows: []uia.Flow{{uia.Password}},
	}, auth)
}

// passwordStage proves who somebody is by their password. Somebody who is
// signed in must be the same.
//
// Spec: client-server-api#password-based
func (a *Accounts) passwordStage(ctx context.Context, r uia.Request, auth json.RawMessage) (string, error) {
	var sub struct {
		Named
		Password string `json:"password"`
	}
	if err := json.Unmarshal(auth, &sub); err != nil {
		return "", &uia.Refusal{Code: matrix.BadJSON, Text: "The identifier or the password is not of the right form."}
	}
	name, named := sub.AccountName()
	if !named && r.User != "" && sub.Identifier.Type == "" {
		name, named = string(r.User), true // older clients leave it out
	}
	user, ok := a.findUser(name)
	if !named || !ok {
		user = ""
	}
	if r.User != "" && user != r.User {
		return "", matrix.Errorf(matrix.Forbidden, "This is not the account that you are signed in to.")
	}
	_, ok, err := a.verify(ctx, user, sub.Password)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &uia.Refusal{Code: matrix.Forbidden, Text: "The password is wrong."}
	}
	return string(user), nil
}

// dummyStage is satisfied by whatever comes.
func dummyStage(context.Context, uia.Request, json.RawMessage) (string, error) { return "", nil }

// registrationTokenStage proves that somebody has a registration token. It is
// used up only by the account that is opened with it.
//
// Spec: client-server-api#token-authenticated-registration
func (a *Accounts) registrationTokenStage(ctx context.Context, _ uia.Request, auth json.RawMessage) (string, error) {
	var sub struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(auth, &sub); err != nil {
		return "", &uia.Refusal{Code: matrix.BadJSON, Text: "The token must be a string."}
	}
	ok := false
	if isOpaque(sub.Token, maxRegistrationToken) {
		var err error
		if ok, err = a.store.IsUsable(ctx, sub.Token); err != nil {
			return "", err
		}
	}
	if !ok {
		return "", badRegistrationToken()
	}
	return sub.Token, nil
}

func badRegistrationToken() *uia.Refusal {
	return &uia.Refusal{Code: matrix.Forbidden, Text: "This registration token is not valid, or not any more."}
}
