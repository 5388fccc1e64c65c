package account

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/accounts"
)

// searchFar bounds how many accounts with a fitting name are looked at.
const searchFar = 500

// Found is somebody whom a search found, with the profile they show everybody.
type Found struct {
	User         id.UserID
	Name, Avatar string
}

// Search returns up to limit accounts with term in their id or name, the best
// first, and whether there are more. It finds those with whom p shares a room
// and those in a room that everybody may join or read: names that somebody
// goes by in a room alone are not looked at.
//
// Spec: client-server-api#post_matrixclientv3user_directorysearch
func (a *Accounts) Search(ctx context.Context, p matrix.Principal, term string, limit int) (found []Found, more bool, err error) {
	defer matrix.Wrap(&err, "search users")
	users, err := a.store.Search(ctx, term, searchFar)
	if err != nil {
		return nil, false, err
	}
	for _, user := range users {
		knows, err := a.knows(ctx, p, user)
		if err != nil {
			return nil, false, err
		}
		if !knows || user == p.User {
			continue
		}
		if len(found) == limit {
			return found, true, nil
		}
		profile, _, err := a.store.Profile(ctx, user)
		if err != nil {
			return nil, false, err
		}
		found = append(found, Found{user, profile.Text(accounts.DisplayName), profile.Text(accounts.AvatarURL)})
	}
	return found, len(users) == searchFar, nil
}

// knows reports whether p may learn of user by way of rooms.
func (a *Accounts) knows(ctx context.Context, p matrix.Principal, user id.UserID) (bool, error) {
	shared, err := a.rooms.ShareRoom(ctx, p.User, user)
	if err != nil || shared {
		return shared, err
	}
	return a.rooms.InOpenRoom(ctx, user)
}
