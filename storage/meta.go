package storage

import "context"

const (
	metaGet = "SELECT value FROM meta WHERE key = $1"
	metaSet = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

// Meta returns a fact about the database as a whole, such as the name of the
// server it belongs to, and false when it was never set.
func Meta(ctx context.Context, tx *Tx, key string) (string, bool, error) {
	return One[string](ctx, tx, metaGet, key)
}

// SetMeta sets a fact about the database as a whole.
func SetMeta(ctx context.Context, tx *Tx, key, value string) error {
	return tx.Exec(ctx, metaSet, key, value)
}
