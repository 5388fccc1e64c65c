package userdata

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// Users is a set of users. It is immutable; nil is empty.
type Users map[id.UserID]struct{}

// Has reports whether user is in the set.
func (u Users) Has(user id.UserID) bool {
	_, ok := u[user]
	return ok
}

// Ignores returns the users whom user does not want to hear from.
//
// Spec: client-server-api#ignoring-users
func (d *Data) Ignores(ctx context.Context, user id.UserID) (Users, error) {
	if d.accounts.isQuiet(user, 0) {
		return nil, nil // the user keeps nothing at all
	}
	var ignored Users
	err := d.accounts.with(ctx, user, func(a *account) { ignored = a.ignored })
	return ignored, err
}

// IsIgnoring reports whether user does not want to hear from other.
func (d *Data) IsIgnoring(ctx context.Context, user, other id.UserID) (bool, error) {
	ignored, err := d.Ignores(ctx, user)
	return ignored.Has(other), err
}

// parseIgnored reads the content of m.ignored_user_list. What is malformed
// ignores nobody.
func parseIgnored(content json.RawMessage) Users {
	var users Users
	gjson.GetBytes(content, "ignored_users").ForEach(func(user, _ gjson.Result) bool {
		if users == nil {
			users = Users{}
		}
		users[id.UserID(user.Str)] = struct{}{}
		return true
	})
	return users
}
