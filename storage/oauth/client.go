package oauth

import (
	"context"
	"time"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Nobody may be signed in with a program that is forgotten, nor about to be.
const dropUnused = `DELETE FROM oauth_client WHERE used < $1
	AND NOT EXISTS (SELECT 1 FROM device d WHERE d.client = oauth_client.client_id)
	AND NOT EXISTS (SELECT 1 FROM oauth_code c WHERE c.client_id = oauth_client.client_id)
	AND NOT EXISTS (SELECT 1 FROM oauth_device_code c WHERE c.client_id = oauth_client.client_id)`

const putClient = `INSERT INTO oauth_client (client_id, metadata, used) VALUES ($1, $2, $3)
	ON CONFLICT (client_id) DO UPDATE SET used = excluded.used`

// freshFor is how long a program that has registered keeps its place when
// there are too many: people need some time to sign in.
const freshFor = time.Hour

// AddClient stores a program, or notes that one has registered again. It
// reports false when there is no place for another one, not even that of
// one that nobody has signed in with.
func (s *Store) AddClient(ctx context.Context, client string, metadata []byte, most int64) (ok bool, err error) {
	defer matrix.Wrap(&err, "add OAuth client")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		ok = true
		_, known, err := storage.One[string](ctx, tx, `SELECT client_id FROM oauth_client WHERE client_id = $1`, client)
		if err != nil {
			return err
		}
		if !known {
			if ok, err = s.makePlace(ctx, tx, most); err != nil || !ok {
				return err
			}
		}
		return tx.Exec(ctx, putClient, client, metadata, s.nowMS())
	})
	return ok, err
}

// makePlace reports whether there are fewer programs than most, after those
// have gone that are not in use if need be.
func (s *Store) makePlace(ctx context.Context, tx *storage.Tx, most int64) (bool, error) {
	const count = `SELECT COUNT(*) FROM oauth_client`
	n, _, err := storage.One[int64](ctx, tx, count)
	if err != nil || n < most {
		return err == nil, err
	}
	if err := tx.Exec(ctx, dropUnused, s.now().Add(-freshFor).UnixMilli()); err != nil {
		return false, err
	}
	n, _, err = storage.One[int64](ctx, tx, count)
	return n < most, err
}

// Client returns the metadata of a program, and false when it is not known.
func (s *Store) Client(ctx context.Context, client string) (metadata []byte, ok bool, err error) {
	defer matrix.Wrap(&err, "OAuth client")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		metadata, ok, err = storage.One[[]byte](ctx, tx, `SELECT metadata FROM oauth_client WHERE client_id = $1`, client)
		return err
	})
	return metadata, ok, err
}
