package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrInUse is in the chain when another process, or another DB of this one,
// works with the database.
var ErrInUse = errors.New("storage: the database is in use by another process")

// lockFile takes the lock beside a database file. The lock file stays when it
// is closed: removing it would let two processes hold locks on two files.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("storage: lock file: %w", err)
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s is locked (%w)", ErrInUse, path, err)
	}
	return f, nil
}

// Lock takes a lock that only one process can have, on a file that it makes.
// It ends with the process, or when it is closed. The error is ErrInUse.
func Lock(path string) (io.Closer, error) { return lockFile(path) }
