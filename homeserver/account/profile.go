package account

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/accounts"
)

const (
	maxProfile     = 64 << 10 // bytes, which it must be under
	maxProfileName = 255      // bytes
	maxDisplayName = 256      // characters
	maxAvatarURL   = 1000     // bytes
)

// Remote looks up profiles of people of other servers. What cannot be had is
// M_NOT_FOUND.
type Remote interface {
	Profile(ctx context.Context, user id.UserID) (map[string]json.RawMessage, error)
}

// Profile returns the profile of user as far as p may see it. Other servers
// are asked for theirs, but for people without an account only where profiles
// are for anyone.
//
// Spec: client-server-api#get_matrixclientv3profileuserid
func (a *Accounts) Profile(ctx context.Context, p matrix.Principal, user id.UserID) (accounts.Profile, error) {
	if a.opt.Remote != nil && (!p.IsAnyone() || a.opt.Profiles == ToAnyone) && !a.store.IsLocal(user) && event.ValidUser(string(user)) {
		return a.opt.Remote.Profile(ctx, user)
	}
	if err := a.maySee(ctx, p, user); err != nil {
		return nil, err
	}
	acc, ok, err := a.store.Known(ctx, user)
	if err == nil && !ok && !p.IsAnyone() && a.opt.Services.AskUser(ctx, user) { // a bridge may open the account now
		acc, ok, err = a.store.Known(ctx, user)
	}
	if err != nil {
		return nil, err
	}
	profile, _, err := a.store.Profile(ctx, user)
	if err == nil && (!ok || acc.Deactivated && len(profile) == 0) {
		err = matrix.Errorf(matrix.NotFound, "There is no such profile.")
	}
	return profile, err
}

// ProfileField returns one field of a profile.
//
// Spec: client-server-api#get_matrixclientv3profileuseridkeyname
func (a *Accounts) ProfileField(ctx context.Context, p matrix.Principal, user id.UserID, name string) (json.RawMessage, error) {
	profile, err := a.Profile(ctx, p, user)
	if err != nil {
		return nil, err
	}
	value, ok := profile[name]
	if !ok {
		return nil, matrix.Errorf(matrix.NotFound, "The profile has no such field.")
	}
	return value, nil
}

// maySee refuses to show profiles to those who may not see them. It does not
// tell whether there is one.
//
// Spec: client-server-api#profiles
func (a *Accounts) maySee(ctx context.Context, p matrix.Principal, user id.UserID) error {
	if a.opt.Profiles == ToAnyone || p.User == user || p.Admin {
		return nil
	}
	if p.IsAnyone() {
		return matrix.Errorf(matrix.MissingToken, "Profiles are shown to people with an account.")
	}
	knows, err := a.knows(ctx, p, user)
	if err == nil && !knows {
		err = matrix.Errorf(matrix.Forbidden, "Profiles are shown to people who share a room.")
	}
	return err
}

// SetProfileField sets a field of the profile of user, or removes it when
// value is nil. Whatever member events show goes into the rooms of user soon
// after.
//
// Spec: client-server-api#put_matrixclientv3profileuseridkeyname
func (a *Accounts) SetProfileField(ctx context.Context, p matrix.Principal, user id.UserID, name string, value json.RawMessage) (err error) {
	defer matrix.Wrap(&err, "set profile field")
	if err := a.mayChange(ctx, p, user); err != nil {
		return err
	}
	if value, err = checkField(name, value); err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		// It may have been closed since, and nothing must be left of it.
		if acc, ok, err := a.store.Account(ctx, tx, user); err != nil || !ok || acc.Deactivated {
			return cmp.Or(err, errNoAccount())
		}
		profile, err := a.store.ProfileIn(ctx, tx, user)
		if err != nil {
			return err
		}
		if bytes.Equal(profile[name], value) {
			return nil
		}
		profile[name] = value
		if value != nil && profile.Size() >= maxProfile {
			return matrix.Errorf(matrix.ProfileTooLarge, "A profile must be smaller than 64 KiB.")
		}
		if err := a.store.SetProfileField(ctx, tx, user, name, value); err != nil {
			return err
		}
		if name != accounts.DisplayName && name != accounts.AvatarURL {
			return nil
		}
		return a.store.AddTask(ctx, tx, user, accounts.ShowProfile)
	})
}

// mayChange refuses to change profiles to all but their owners, and
// administrators who have to clean up.
func (a *Accounts) mayChange(ctx context.Context, p matrix.Principal, user id.UserID) error {
	if p.User != user && !p.Admin {
		return matrix.Errorf(matrix.Forbidden, "You cannot change the profile of somebody else.")
	}
	if p.Suspended {
		return matrix.Errorf(matrix.UserSuspended, "You cannot change your profile while you are suspended.")
	}
	_, err := a.local(ctx, user)
	return err
}

// checkField returns a field in the form in which it is stored, nil when it
// is to be removed.
func checkField(name string, value json.RawMessage) (json.RawMessage, error) {
	if len(name) > maxProfileName {
		return nil, matrix.Errorf(matrix.KeyTooLarge, "The name of the field is longer than 255 bytes.")
	}
	if !isFieldName(name) {
		return nil, matrix.Errorf(matrix.InvalidParam, "This is not a name for a field of a profile.")
	}
	if value == nil {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil || !utf8.Valid(value) {
		return nil, matrix.Errorf(matrix.BadJSON, "The value is not valid JSON.")
	}
	switch name {
	case accounts.DisplayName, accounts.AvatarURL, accounts.TimeZone:
		return checkText(name, compact.Bytes())
	}
	return compact.Bytes(), nil
}

// checkText checks a field that is a string. Older clients remove one by
// setting it to null or "".
func checkText(name string, value json.RawMessage) (json.RawMessage, error) {
	var text *string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, matrix.Errorf(matrix.InvalidParam, "The field %s must be a string.", name)
	}
	if text == nil || *text == "" {
		return nil, nil
	}
	switch {
	case name == accounts.DisplayName && utf8.RuneCountInString(*text) > maxDisplayName:
		return nil, matrix.Errorf(matrix.InvalidParam, "The name is longer than %d characters.", maxDisplayName)
	case name == accounts.AvatarURL && (len(*text) > maxAvatarURL || isForeignAddress(*text)):
		return nil, matrix.Errorf(matrix.InvalidParam, "The avatar must be an mxc:// address.")
	case strings.IndexByte(*text, 0) >= 0:
		return nil, matrix.Errorf(matrix.InvalidParam, "The field %s must be plain text.", name)
	}
	return value, nil
}

// isForeignAddress reports whether text could make a client ask another server
// than its own, which would tell that server who looks at a profile. What is no
// address at all is nobody's harm.
func isForeignAddress(text string) bool {
	return strings.Contains(text, ":") && !strings.HasPrefix(text, "mxc://") || strings.HasPrefix(text, "//")
}

// isFieldName reports whether a field of a profile can be called name: one of
// those with a meaning of old, or a name with a namespace.
//
// Spec: appendices#common-namespaced-identifier-grammar
func isFieldName(name string) bool {
	if name == accounts.DisplayName || name == accounts.AvatarURL {
		return true
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return strings.Contains(name, ".")
}

// ServeProfile returns the profile of user as far as another server may see
// it: what anyone may, or if profiles are shown to people who share a room, of
// users with whom the server has to do.
//
// Spec: server-server-api#get_matrixfederationv1queryprofile
func (a *Accounts) ServeProfile(ctx context.Context, origin string, user id.UserID) (accounts.Profile, error) {
	if !a.store.IsLocal(user) {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such profile.")
	}
	if a.opt.Profiles != ToAnyone {
		knows, err := a.rooms.Knows(ctx, origin, user)
		if err != nil {
			return nil, err
		}
		if !knows {
			return nil, matrix.Errorf(matrix.Forbidden, "Profiles are shown to servers that share a room.")
		}
	}
	return a.Profile(ctx, matrix.Principal{User: user}, user)
}
