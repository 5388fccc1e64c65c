package account

import (
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// maxUserID is how many bytes a user id may have.
const maxUserID = 255

// newUser returns the user id of a new account called name. People may write
// it with capital letters.
//
// Spec: appendices#user-identifiers
func (a *Accounts) newUser(name string) (id.UserID, error) {
	local := lower(name)
	switch {
	case local == "":
		return "", matrix.Errorf(matrix.InvalidUsername, "The name is empty.")
	case !isLocalpart(local):
		return "", matrix.Errorf(matrix.InvalidUsername, "A name consists of the letters a to z, digits and the characters . _ = - / +")
	case local[0] == '_':
		return "", matrix.Errorf(matrix.InvalidUsername, "A name cannot begin with an underscore: such names are for bridges.")
	}
	user := id.NewUserID(local, a.opt.ServerName)
	if len(user) > maxUserID {
		return "", matrix.Errorf(matrix.InvalidUsername, "The name is too long.")
	}
	if user == a.opt.System {
		return "", errTaken()
	}
	if a.opt.Exclusive(user) {
		return "", matrix.Errorf(matrix.Exclusive, "This name is kept for a bridge.")
	}
	return user, nil
}

// findUser returns whom somebody means who signs in as typed: a whole user id
// of this server or its first part, in any case. It is false when that cannot
// be an account of this server.
//
// Spec: client-server-api#matrix-user-id
func (a *Accounts) findUser(typed string) (id.UserID, bool) {
	typed = strings.TrimSpace(typed)
	local, server, whole := strings.Cut(strings.TrimPrefix(typed, "@"), ":")
	if whole && lower(server) != lower(a.opt.ServerName) || !whole && typed != local {
		return "", false
	}
	local = lower(local)
	user := id.NewUserID(local, a.opt.ServerName)
	return user, isLocalpart(local) && len(user) <= maxUserID
}

// isLocalpart reports whether s can stand before the colon in a user id.
func isLocalpart(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("._=-/+", c) < 0 {
			return false
		}
	}
	return s != ""
}

// lower makes the letters A to Z small, and no other: what looks like one of
// them is not.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
