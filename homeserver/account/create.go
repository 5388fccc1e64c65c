package account

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// NewAccount is an account that an administrator opens.
type NewAccount struct {
	Name        string // before the colon, or the whole user id
	Password    string
	DisplayName string // empty: Name
	Admin       bool
}

// Create opens an account for an administrator, however registration is set.
func (a *Accounts) Create(ctx context.Context, n NewAccount) (_ id.UserID, err error) {
	defer matrix.Wrap(&err, "create account")
	if n.Name == "" {
		return "", matrix.Errorf(matrix.InvalidUsername, "The account needs a name.")
	}
	if strings.HasPrefix(n.Name, "@") {
		user, ok := a.findUser(n.Name)
		if !ok {
			return "", matrix.Errorf(matrix.InvalidUsername, "This is not a name of this server.")
		}
		n.Name = user.Localpart()
	}
	s, err := a.open(ctx, newAccount{Name: n.Name, Password: n.Password, Display: n.DisplayName, Admin: n.Admin}, func(_ *storage.Tx, user id.UserID) (Session, error) {
		return Session{User: user}, nil
	})
	return s.User, err
}
