package account

import (
	"context"
	"log/slog"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// maxPassword is how many bytes a password may have.
const maxPassword = 1024

// checkPassword refuses passwords that nobody should have.
func (a *Accounts) checkPassword(password string) error {
	switch {
	case password == "":
		return matrix.Errorf(matrix.MissingParam, "A password is needed.")
	case utf8.RuneCountInString(password) < a.opt.Passwords.MinLength:
		return matrix.Errorf(matrix.WeakPassword, "The password must have at least %d characters.", a.opt.Passwords.MinLength)
	case len(password) > maxPassword:
		return matrix.Errorf(matrix.InvalidParam, "The password is too long.")
	}
	return nil
}

// verify reports whether password is that of user, and returns the account.
// For an account that does not exist, such as "", it takes as long.
func (a *Accounts) verify(ctx context.Context, user id.UserID, password string) (acc accounts.Account, ok bool, err error) {
	if user != "" {
		if err := a.guesses.take(user); err != nil {
			return acc, false, err
		}
		if acc, _, err = a.store.Read(ctx, user); err != nil {
			return acc, false, err
		}
	}
	stored := ""
	if acc.Password != nil && len(password) <= maxPassword {
		stored = *acc.Password
	}
	ok, outdated, err := a.hasher.check(ctx, stored, password[:min(len(password), maxPassword)])
	if err != nil || !ok {
		return acc, false, err
	}
	a.guesses.right(user)
	if outdated {
		a.rehash(ctx, user, stored, password)
	}
	return acc, true, nil
}

// rehash stores the password with the cost of today. It is done again with
// the next password if it fails.
func (a *Accounts) rehash(ctx context.Context, user id.UserID, stored, password string) {
	hash, err := a.hasher.hash(ctx, password)
	if err == nil {
		err = a.store.Write(ctx, func(tx *storage.Tx) error {
			return a.store.ReplacePassword(ctx, tx, user, stored, hash)
		})
	}
	if err != nil && ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "hash of a password not renewed", slog.Any("err", err))
	}
}
