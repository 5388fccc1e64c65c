// Package backup keeps copies of the keys with which a user's devices read
// encrypted rooms, so that a new device can read what was said before. The
// keys are encrypted by the devices; the server cannot read them.
package backup

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/keybackup"
)

// Limits of what is stored, in bytes.
const (
	maxAuthData = 64 << 10
	maxSession  = 64 << 10
)

// Version is one backup of a user, and Session the key of one session of a
// room in it, as they are stored.
type (
	Version = keybackup.Version
	Session = keybackup.Session
)

// Backups are the key backups of all users.
//
// Spec: client-server-api#server-side-key-backups
type Backups struct {
	db *storage.DB
}

// New returns the backups in db.
func New(db *storage.DB) *Backups { return &Backups{db: db} }

// ParseVersion reads the version that a client names.
func ParseVersion(s string) (matrix.Position, error) {
	if s == "" {
		return 0, matrix.Errorf(matrix.MissingParam, "The version of the backup is missing.")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, errNoBackup()
	}
	return matrix.Position(n), nil
}

func errNoBackup() error {
	return matrix.Errorf(matrix.NotFound, "There is no such backup of keys.")
}

// Create makes an empty backup, which is the current one from then on.
func (b *Backups) Create(ctx context.Context, user id.UserID, algorithm string, authData json.RawMessage) (version matrix.Position, err error) {
	if err := checkAuth(algorithm, authData); err != nil {
		return 0, err
	}
	err = b.db.Write(ctx, func(tx *storage.Tx) (err error) {
		version, err = keybackup.Create(ctx, tx, user, algorithm, authData)
		return err
	})
	return version, err
}

func checkAuth(algorithm string, authData json.RawMessage) error {
	if algorithm == "" || len(authData) == 0 {
		return matrix.Errorf(matrix.MissingParam, "algorithm and auth_data are needed.")
	}
	if !gjson.ParseBytes(authData).IsObject() {
		return matrix.Errorf(matrix.BadJSON, "auth_data is a JSON object.")
	}
	if len(authData)+len(algorithm) > maxAuthData {
		return matrix.Errorf(matrix.TooLarge, "auth_data has at most %d bytes.", maxAuthData)
	}
	return nil
}

// Version returns a backup; the current one when version is 0.
func (b *Backups) Version(ctx context.Context, user id.UserID, version matrix.Position) (v Version, err error) {
	err = b.db.Read(ctx, func(tx *storage.Tx) (err error) {
		v, err = find(ctx, tx, user, version)
		return err
	})
	return v, err
}

func find(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position) (v Version, err error) {
	ok := false
	if version == 0 {
		v, ok, err = keybackup.Latest(ctx, tx, user)
	} else {
		v, ok, err = keybackup.Get(ctx, tx, user, version)
	}
	if err == nil && !ok {
		err = errNoBackup()
	}
	return v, err
}

// Update replaces what a backup says of its own key.
func (b *Backups) Update(ctx context.Context, user id.UserID, version matrix.Position, algorithm string, authData json.RawMessage) error {
	if err := checkAuth(algorithm, authData); err != nil {
		return err
	}
	return b.db.Write(ctx, func(tx *storage.Tx) error {
		v, err := find(ctx, tx, user, version)
		if err != nil {
			return err
		}
		if v.Algorithm != algorithm {
			return matrix.Errorf(matrix.InvalidParam, "The algorithm of a backup does not change.")
		}
		return keybackup.SetAuthData(ctx, tx, user, version, authData)
	})
}

// Delete removes a backup with all its keys.
func (b *Backups) Delete(ctx context.Context, user id.UserID, version matrix.Position) error {
	return b.db.Write(ctx, func(tx *storage.Tx) error {
		if _, err := find(ctx, tx, user, version); err != nil {
			return err
		}
		return keybackup.Delete(ctx, tx, user, version)
	})
}

// Gone removes all backups of an account that was closed. It is an
// account.Hooks function.
func (b *Backups) Gone(ctx context.Context, user id.UserID, _ bool) error {
	return b.db.Write(ctx, func(tx *storage.Tx) error { return keybackup.DeleteUser(ctx, tx, user) })
}
