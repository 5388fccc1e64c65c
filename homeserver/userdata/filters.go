package userdata

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

type filterKey struct {
	user   id.UserID
	number int64
}

// AddFilter stores a filter of user and returns its id, which an equal filter
// had or has from now on.
//
// Spec: client-server-api#post_matrixclientv3useruseridfilter
func (d *Data) AddFilter(ctx context.Context, user id.UserID, definition json.RawMessage) (string, error) {
	if _, err := filter.Parse(definition); err != nil {
		return "", err
	}
	definition, err := sorted(definition)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(definition)
	var number int64
	err = d.db.Write(ctx, func(tx *storage.Tx) (err error) {
		number, err = store.AddFilter(ctx, tx, user, hash[:], definition, int64(d.opt.MaxFilters))
		return err
	})
	return strconv.FormatInt(number, 10), err
}

// sorted returns an object with its members in order and without white space.
func sorted(object json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, matrix.Errorf(matrix.BadJSON, "The body must be a JSON object.")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// Filter returns a filter that user stored before. One that is not there is
// M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv3useruseridfilterfilterid
func (d *Data) Filter(ctx context.Context, user id.UserID, filterID string) (json.RawMessage, error) {
	none := matrix.Errorf(matrix.NotFound, "There is no such filter.")
	number, err := strconv.ParseInt(filterID, 10, 64)
	if err != nil {
		return nil, none
	}
	key := filterKey{user, number}
	if found, ok := d.filters.Get(key); ok {
		return found, nil
	}
	var found json.RawMessage
	var ok bool
	err = d.db.Read(ctx, func(tx *storage.Tx) (err error) {
		found, ok, err = store.Filter(ctx, tx, user, number)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, none
	}
	d.filters.Add(key, found)
	return found, nil
}
