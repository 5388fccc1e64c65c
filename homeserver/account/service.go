package account

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Service is an application service, as far as accounts know it.
type Service struct {
	ID        string
	Sender    id.UserID            // its own user
	Unlimited bool                 // no limits of rates count for it
	Owns      func(id.UserID) bool // whether it may speak for a user
}

// Services are the application services of this server.
type Services interface {
	// ByToken returns whom an as_token belongs to, nil when to nobody.
	ByToken(token string) *Service
	// ByID returns a service, nil when there is none.
	ByID(id string) *Service
	// AskUser lets the service that user would belong to open the account, and
	// reports whether it says so.
	AskUser(ctx context.Context, user id.UserID) bool
}

// authenticateService returns whom a request with the token of s speaks for.
// Where it may not, the Principal is returned all the same, with the error: it
// is a request of the service.
//
// Spec: application-service-api#identity-assertion
func (a *Accounts) authenticateService(ctx context.Context, s *Service, r *http.Request) (matrix.Principal, error) {
	p := matrix.Principal{User: s.Sender, Appservice: s.ID, Unlimited: s.Unlimited}
	q := r.URL.Query()
	if as := id.UserID(q.Get("user_id")); as != "" && as != s.Sender {
		if !s.Owns(as) {
			return p, matrix.Errorf(matrix.Forbidden, "The application service may not speak for %s.", as)
		}
		p.User = as
	}
	acc, ok, err := a.store.Known(ctx, p.User)
	if err == nil && !ok && p.User == s.Sender {
		err = a.openSender(ctx, s.Sender)
		ok = err == nil
	}
	switch {
	case err != nil:
		return p, err
	case !ok:
		return p, matrix.Errorf(matrix.Forbidden, "The application service has not registered %s.", p.User)
	case acc.Deactivated:
		return p, matrix.Errorf(matrix.UserDeactivated, "This account has been closed.")
	case acc.Locked:
		return p, errLocked()
	}
	p.Suspended = acc.Suspended
	p.Device, err = a.assertedDevice(ctx, p.User, id.DeviceID(cmp.Or(q.Get("device_id"), q.Get("org.matrix.msc3202.device_id"))))
	return p, err
}

// assertedDevice returns device if user has it.
//
// Spec: application-service-api#device-assertion
func (a *Accounts) assertedDevice(ctx context.Context, user id.UserID, device id.DeviceID) (id.DeviceID, error) {
	if device == "" {
		return "", nil
	}
	all, err := a.store.KnownDevices(ctx, user)
	if err != nil {
		return "", err
	}
	for _, d := range all {
		if d.ID == device {
			return device, nil
		}
	}
	return "", matrix.Errorf(matrix.UnknownDevice, "%s has no such device.", user)
}

// openSender opens the account of a service's own user. The service does not
// register it.
func (a *Accounts) openSender(ctx context.Context, user id.UserID) error {
	err := a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.create(ctx, tx, accounts.Account{User: user, CreatedMS: a.opt.Now().UnixMilli()}, "")
	})
	if errors.Is(err, accounts.ErrTaken) {
		return nil
	}
	return err
}

// Ghost is an account that an application service opens or uses.
type Ghost struct {
	Name    string // before the colon, or the whole user id
	Device  NewDevice
	NoLogin bool // do not begin a session
}

// RegisterGhost opens an account for an application service, in its namespace.
//
// Spec: application-service-api#server-admin-style-permissions
func (a *Accounts) RegisterGhost(ctx context.Context, p matrix.Principal, g Ghost) (s Session, err error) {
	defer matrix.Wrap(&err, "register for an application service")
	if err := g.Device.check(); err != nil {
		return s, err
	}
	user, err := a.ghost(p, g.Name)
	if err != nil {
		return s, err
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		acc := accounts.Account{User: user, CreatedMS: a.opt.Now().UnixMilli()}
		if err := a.create(ctx, tx, acc, user.Localpart()); err != nil {
			return err
		}
		s = Session{User: user}
		if !g.NoLogin {
			s, err = a.signIn(ctx, tx, user, g.Device)
		}
		return err
	})
	if errors.Is(err, accounts.ErrTaken) {
		err = errTaken()
	}
	return s, err
}

// LoginGhost begins a session of a user of an application service.
//
// Spec: client-server-api#appservice-login
func (a *Accounts) LoginGhost(ctx context.Context, p matrix.Principal, g Ghost) (s Session, err error) {
	defer matrix.Wrap(&err, "log in for an application service")
	if err := g.Device.check(); err != nil {
		return s, err
	}
	user, err := a.ghost(p, g.Name)
	if err != nil {
		return s, err
	}
	if service, _ := a.service(p); user == service.Sender {
		if err := a.openSender(ctx, user); err != nil {
			return s, err
		}
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		acc, ok, err := a.store.Account(ctx, tx, user)
		if err != nil {
			return err
		}
		if !ok {
			return matrix.Errorf(matrix.Forbidden, "The application service has not registered %s.", user)
		}
		s, err = a.admit(ctx, tx, acc, g.Device)
		return err
	})
	return s, err
}

// service returns the application service that asks.
func (a *Accounts) service(p matrix.Principal) (*Service, error) {
	if p.Appservice != "" {
		if s := a.opt.Services.ByID(p.Appservice); s != nil {
			return s, nil
		}
	}
	return nil, matrix.Errorf(matrix.Forbidden, "Only an application service can do that.")
}

// ghost returns the user called name, if the service that asks owns it.
func (a *Accounts) ghost(p matrix.Principal, name string) (id.UserID, error) {
	s, err := a.service(p)
	if err != nil {
		return "", err
	}
	user, ok := a.findUser(name)
	if !ok {
		return "", matrix.Errorf(matrix.InvalidUsername, "This is not a name of this server.")
	}
	if !s.Owns(user) {
		return "", matrix.Errorf(matrix.Exclusive, "The name is in no namespace of the application service.")
	}
	return user, nil
}

// PutDevice names a device of a user of an application service, and makes it
// if there is none, without a session: the service speaks for it with its own
// token. It reports whether it made one.
//
// Spec: application-service-api#device-management
func (a *Accounts) PutDevice(ctx context.Context, p matrix.Principal, d NewDevice) (made bool, err error) {
	defer matrix.Wrap(&err, "put device")
	if err := d.check(); err != nil {
		return false, err
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		made, err = a.store.PutDevice(ctx, tx, p.User, d.ID, d.Name)
		return err
	})
	return made, err
}

// noServices stands for the application services of a server without any.
type noServices struct{}

func (noServices) ByToken(string) *Service                 { return nil }
func (noServices) ByID(string) *Service                    { return nil }
func (noServices) AskUser(context.Context, id.UserID) bool { return false }
