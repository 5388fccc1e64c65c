package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

// Filter returns the filter that user stored under number.
func Filter(ctx context.Context, tx *storage.Tx, user id.UserID, number int64) (json.RawMessage, bool, error) {
	return storage.One[json.RawMessage](ctx, tx, `SELECT definition FROM sync_filter WHERE user_id = $1 AND number = $2`, user, number)
}

const (
	filterByHash = `SELECT number FROM sync_filter WHERE user_id = $1 AND hash = $2`
	filterSpan   = `SELECT COALESCE(min(number), 0), COALESCE(max(number), 0), count(*) FROM sync_filter WHERE user_id = $1`
	addFilter    = `INSERT INTO sync_filter (user_id, number, hash, definition) VALUES ($1, $2, $3, $4)`
	dropFilter   = `DELETE FROM sync_filter WHERE user_id = $1 AND number = $2`
)

// AddFilter stores a filter of user and returns its number: that of an equal
// filter if there is one. Of more than limit filters the oldest is dropped.
func AddFilter(ctx context.Context, tx *storage.Tx, user id.UserID, hash []byte, definition json.RawMessage, limit int64) (int64, error) {
	number, ok, err := storage.One[int64](ctx, tx, filterByHash, user, hash)
	if err != nil || ok {
		return number, err
	}
	type span struct{ Low, High, Count int64 }
	has, _, err := storage.One[span](ctx, tx, filterSpan, user)
	if err != nil {
		return 0, err
	}
	if has.Count >= limit {
		if err := tx.Exec(ctx, dropFilter, user, has.Low); err != nil {
			return 0, err
		}
	}
	number = has.High + 1
	return number, tx.Exec(ctx, addFilter, user, number, hash, []byte(definition))
}

// DeleteFilters removes all filters of user.
func DeleteFilters(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM sync_filter WHERE user_id = $1`, user)
}
