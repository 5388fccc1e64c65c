package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Registration is what somebody asks for who wants an account.
type Registration struct {
	Name     string // empty: one is made up
	Password string
	Device   NewDevice
	NoLogin  bool            // do not begin a session
	Auth     json.RawMessage // of user-interactive authentication
}

// Register opens an account for whoever asks, as far as the server lets them.
//
// Spec: client-server-api#post_matrixclientv3register
func (a *Accounts) Register(ctx context.Context, r Registration) (s Session, err error) {
	defer matrix.Wrap(&err, "register")
	flow, err := a.registrationFlow()
	if err != nil {
		return s, err
	}
	if err := r.Device.check(); err != nil {
		return s, err
	}
	if err := a.checkRegistration(ctx, r); err != nil {
		return s, err
	}
	grant, err := a.uia.Authorise(ctx, uia.Request{Operation: "register", Flows: []uia.Flow{flow}, Params: a.registrationParams()}, r.Auth)
	if err != nil {
		return s, err
	}
	n := newAccount{Name: r.Name, Password: r.Password}
	s, err = a.open(ctx, n, func(tx *storage.Tx, user id.UserID) (Session, error) {
		if err := a.useUp(ctx, tx, grant); err != nil {
			return Session{}, err
		}
		if err := a.acceptTerms(ctx, tx, user); err != nil {
			return Session{}, err
		}
		if r.NoLogin {
			return Session{User: user}, nil
		}
		return a.signIn(ctx, tx, user, r.Device)
	})
	if errors.Is(err, errTokenUsedUp) {
		return s, grant.Revoke(uia.RegistrationToken, badRegistrationToken())
	}
	if err == nil {
		grant.Spend()
	}
	return s, err
}

// registrationFlow is what people have to go through.
func (a *Accounts) registrationFlow() (uia.Flow, error) {
	var flow uia.Flow
	switch a.opt.Registration {
	case ByToken:
		flow = append(flow, uia.RegistrationToken)
	case Open:
	default:
		return nil, errRegistrationClosed()
	}
	if len(a.opt.Terms) > 0 {
		flow = append(flow, uia.Terms)
	}
	if len(flow) == 0 {
		flow = append(flow, uia.Dummy)
	}
	return flow, nil
}

func errRegistrationClosed() error {
	return matrix.Errorf(matrix.Forbidden, "On this server, only administrators open accounts.")
}

// registrationParams shows the terms, in the form in which clients want them.
//
// Spec: client-server-api#terms-of-service-at-registration
func (a *Accounts) registrationParams() map[string]any {
	if len(a.opt.Terms) == 0 {
		return nil
	}
	policies := map[string]map[string]any{}
	for _, p := range a.opt.Terms {
		shown := map[string]any{"version": p.Version}
		for language, text := range p.Texts {
			shown[language] = text
		}
		policies[p.ID] = shown
	}
	return map[string]any{uia.Terms: map[string]any{"policies": policies}}
}

// checkRegistration tells what will not do before anybody goes through stages.
func (a *Accounts) checkRegistration(ctx context.Context, r Registration) error {
	if r.Name != "" {
		if _, err := a.available(ctx, r.Name); err != nil {
			return err
		}
	}
	if r.Password != "" {
		return a.checkPassword(r.Password)
	}
	return nil
}

// Available returns nil when somebody could open an account called name.
//
// Spec: client-server-api#get_matrixclientv3registeravailable
func (a *Accounts) Available(ctx context.Context, name string) error {
	if a.opt.Registration == Closed {
		return errRegistrationClosed()
	}
	_, err := a.available(ctx, name)
	return err
}

// available returns the user id of a new account called name.
func (a *Accounts) available(ctx context.Context, name string) (id.UserID, error) {
	user, err := a.newUser(name)
	if err != nil {
		return "", err
	}
	_, taken, err := a.store.Read(ctx, user)
	if err != nil {
		return "", err
	}
	if taken || a.store.IsErased(user) {
		return "", errTaken()
	}
	return user, nil
}

func errTaken() error {
	return matrix.Errorf(matrix.UserInUse, "Somebody else has this name.")
}

// errTokenUsedUp says that others were faster in using a registration token.
var errTokenUsedUp = errors.New("registration token is used up")

// useUp counts the use of the registration token of a grant, if there is one,
// in the transaction that opens the account.
func (a *Accounts) useUp(ctx context.Context, tx *storage.Tx, grant *uia.Grant) error {
	token := grant.Proof(uia.RegistrationToken)
	if token == "" {
		return nil
	}
	ok, err := a.store.UseRegistrationToken(ctx, tx, token)
	if err == nil && !ok {
		err = errTokenUsedUp
	}
	return err
}

// acceptTerms notes the terms of today, which user has accepted.
func (a *Accounts) acceptTerms(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	for _, p := range a.opt.Terms {
		if err := a.store.AcceptTerms(ctx, tx, user, p.ID, p.Version); err != nil {
			return err
		}
	}
	return nil
}

// newAccount is an account to be opened.
type newAccount struct {
	Name     string // as the person writes it; empty: one is made up
	Password string
	Display  string // empty: Name
	Admin    bool
	First    bool // only if there never was another
}

// open opens an account; then runs in the same transaction.
func (a *Accounts) open(ctx context.Context, n newAccount, then func(*storage.Tx, id.UserID) (Session, error)) (s Session, err error) {
	if n.Name == "" {
		n.Name = strings.ToLower(rand.Text()[:newDeviceID])
	} else if n.Display == "" {
		n.Display = n.Name
	}
	user, err := a.newUser(n.Name)
	if err != nil {
		return s, err
	}
	if err := a.checkPassword(n.Password); err != nil {
		return s, err
	}
	hash, err := a.hasher.hash(ctx, n.Password)
	if err != nil {
		return s, err
	}
	acc := accounts.Account{User: user, Password: &hash, Admin: n.Admin, CreatedMS: a.opt.Now().UnixMilli()}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		if n.First {
			if any, err := a.store.Any(ctx, tx); err != nil || any {
				return cmp.Or(err, errBootstrap())
			}
		}
		if err := a.create(ctx, tx, acc, n.Display); err != nil {
			return err
		}
		s, err = then(tx, user)
		return err
	})
	if errors.Is(err, accounts.ErrTaken) {
		err = errTaken()
	}
	return s, err
}

// create writes a new account with what belongs to it.
func (a *Accounts) create(ctx context.Context, tx *storage.Tx, acc accounts.Account, display string) error {
	if err := a.store.Create(ctx, tx, acc); err != nil {
		return err
	}
	if display != "" {
		value, err := json.Marshal(display)
		if err != nil {
			return err
		}
		return a.store.SetProfileField(ctx, tx, acc.User, accounts.DisplayName, value)
	}
	return nil
}
