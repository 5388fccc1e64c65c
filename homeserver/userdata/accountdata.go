package userdata

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Types of account data that the server itself reads or writes.
const (
	pushRulesType = "m.push_rules"
	fullyReadType = "m.fully_read"
	tagType       = "m.tag"
	ignoredType   = "m.ignored_user_list"
)

// maxDatum bounds the content of one entry in bytes.
const maxDatum = 256 << 10

// AccountDatum is one entry of a user's account data. It is immutable.
type AccountDatum = store.AccountDatum

// account is the account data of one user.
type account struct {
	journal[datumKey, *AccountDatum]
	ignored Users
	invites *inviteRules
}

type datumKey struct {
	room id.RoomID
	typ  string
}

// take makes d known unless something newer is.
func (a *account) take(d *AccountDatum) {
	key := datumKey{d.Room, d.Type}
	if old, ok := a.get(key); ok && old.Pos >= d.Pos {
		return
	}
	a.put(key, d.Pos, d)
	if d.Room != "" {
		return
	}
	if d.Type == ignoredType {
		a.ignored = parseIgnored(d.Content)
	}
	if d.Type == ignoredType || isInvitesType(d.Type) {
		a.invites = inviteRulesOf(a)
	}
}

func (d *Data) loadAccount(ctx context.Context, user id.UserID, put func(func(*account))) error {
	var data []AccountDatum
	err := d.db.Read(ctx, func(tx *storage.Tx) (err error) {
		data, err = store.AccountData(ctx, tx, user)
		return err
	})
	if err != nil {
		return fmt.Errorf("read account data: %w", err)
	}
	put(func(a *account) {
		for i := range data {
			a.take(&data[i])
		}
		d.accounts.saw(user, a.last())
	})
	return nil
}

// Stored returns the content of one entry of user's account data as it was
// set, nil when it never was or was deleted.
func (d *Data) Stored(ctx context.Context, user id.UserID, room id.RoomID, typ string) (json.RawMessage, error) {
	if d.accounts.isQuiet(user, 0) {
		return nil, nil // the user keeps nothing at all
	}
	var stored json.RawMessage
	err := d.accounts.with(ctx, user, func(a *account) {
		if datum, ok := a.get(datumKey{room, typ}); ok && !datum.IsDeleted() {
			stored = datum.Content
		}
	})
	return stored, err
}

// AccountData returns the content of one entry of user's account data; room
// is empty for data of the account as a whole. What was never set, or was
// deleted, is M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv3useruseridaccount_datatype
func (d *Data) AccountData(ctx context.Context, user id.UserID, room id.RoomID, typ string) (json.RawMessage, error) {
	stored, err := d.Stored(ctx, user, room, typ)
	switch {
	case err != nil || stored != nil:
		return stored, err
	case room == "" && typ == pushRulesType && d.opt.PushRules != nil:
		return d.opt.PushRules(user), nil
	}
	return nil, matrix.Errorf(matrix.NotFound, "There is no account data of this type.")
}

// AccountDataChanges returns the entries of user's account data that changed
// after `after`, up to upto, oldest change first. From 0 on, it returns what
// there is and leaves out what was deleted.
func (d *Data) AccountDataChanges(ctx context.Context, user id.UserID, after, upto matrix.Position) ([]AccountDatum, error) {
	if after > 0 && d.accounts.isQuiet(user, after) {
		return nil, nil
	}
	var out []AccountDatum
	hasRules := false
	err := d.accounts.with(ctx, user, func(a *account) {
		a.between(after, upto, func(datum *AccountDatum) {
			if after == 0 && datum.IsDeleted() {
				return
			}
			hasRules = hasRules || datum.Room == "" && datum.Type == pushRulesType
			out = append(out, *datum)
		})
	})
	if err == nil && after == 0 && !hasRules && d.opt.PushRules != nil {
		out = append(out, AccountDatum{Type: pushRulesType, Content: d.opt.PushRules(user)})
	}
	return out, err
}

// SetAccountData writes one entry of user's account data as a client asks
// for; room is empty for data of the account as a whole. Empty content, {},
// deletes the entry: other devices are told so, and then it is not there.
//
// Spec: client-server-api#put_matrixclientv3useruseridaccount_datatype
func (d *Data) SetAccountData(ctx context.Context, user id.UserID, room id.RoomID, typ string, content json.RawMessage) error {
	switch {
	case typ == fullyReadType || typ == pushRulesType:
		e := matrix.Errorf(matrix.BadJSON, "Cannot set %s through this API.", typ)
		e.Status = http.StatusMethodNotAllowed
		return e
	case room != "" && room[0] != '!':
		return matrix.Errorf(matrix.InvalidParam, "%q is not the id of a room.", room)
	case len(typ) == 0 || len(typ) > 255:
		return matrix.Errorf(matrix.InvalidParam, "The type of account data must have 1 to 255 bytes.")
	}
	return d.UpdateAccountData(ctx, user, room, typ, func(json.RawMessage) (json.RawMessage, error) { return content, nil })
}

// UpdateAccountData changes one entry of user's account data in one go.
// change gets the content as it is, nil when there is none, and returns what
// it is to be; nil deletes it. It may be called more than once and must be
// quick. When nothing is different afterwards, nothing is written.
func (d *Data) UpdateAccountData(ctx context.Context, user id.UserID, room id.RoomID, typ string, change func(json.RawMessage) (json.RawMessage, error)) error {
	return d.db.Write(ctx, func(tx *storage.Tx) error { return d.update(ctx, tx, user, datumKey{room, typ}, change) })
}

// update is UpdateAccountData in a transaction.
func (d *Data) update(ctx context.Context, tx *storage.Tx, user id.UserID, key datumKey, change func(json.RawMessage) (json.RawMessage, error)) error {
	old, known, err := store.Datum(ctx, tx, user, key.room, key.typ)
	if err != nil {
		return err
	}
	if !known || old.IsDeleted() {
		old.Content = nil
	}
	content, err := change(old.Content)
	if err != nil {
		return err
	}
	next := &AccountDatum{Room: key.room, Type: key.typ}
	if next.Content, err = compact(content); err != nil {
		return err
	}
	if bytes.Equal(next.Content, old.Content) || old.Content == nil && next.IsDeleted() {
		return nil
	}
	if !known {
		if err := d.checkNumber(ctx, tx, user); err != nil {
			return err
		}
	}
	next.Pos = tx.Position()
	return d.write(ctx, tx, user, next)
}

// checkNumber refuses one more entry to a user who has very many.
func (d *Data) checkNumber(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	n, err := store.CountAccountData(ctx, tx, user)
	if err == nil && n >= d.opt.MaxAccountData {
		return matrix.Errorf(matrix.ResourceLimitExceeded, "You have too many entries of account data.")
	}
	return err
}

// write stores datum and makes it known.
func (d *Data) write(ctx context.Context, tx *storage.Tx, user id.UserID, datum *AccountDatum) error {
	if err := store.PutDatum(ctx, tx, user, datum); err != nil {
		return err
	}
	tx.OnCommit(func() {
		d.accounts.change(user, datum.Pos, func(a *account) { a.take(datum) })
	})
	tx.Wake(rooms.UserTopic(user))
	return nil
}

// compact returns content, which must be an object, without white space; {}
// when there is none.
func compact(content json.RawMessage) (json.RawMessage, error) {
	if content == nil {
		return json.RawMessage("{}"), nil
	}
	if len(content) > maxDatum {
		return nil, matrix.Errorf(matrix.TooLarge, "Account data may have at most %d bytes.", maxDatum)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, content); err != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, matrix.Errorf(matrix.BadJSON, "Account data must be a JSON object.")
	}
	return b.Bytes(), nil
}
