package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Bridges are what rooms ask of application services, before anything is
// written.
type Bridges interface {
	// CheckAlias refuses to let p make or delete an alias that is kept for others.
	CheckAlias(p matrix.Principal, alias id.RoomAlias) error
	// AskAlias lets a service make the room that an unknown alias of this
	// server would point to, and reports whether one says that it did.
	AskAlias(ctx context.Context, alias id.RoomAlias) bool
	// Invited lets a service open the account of user, of this server, if
	// there is none.
	Invited(ctx context.Context, user id.UserID)
}

// noBridges stands for no application services.
type noBridges struct{}

func (noBridges) CheckAlias(matrix.Principal, id.RoomAlias) error { return nil }
func (noBridges) AskAlias(context.Context, id.RoomAlias) bool     { return false }
func (noBridges) Invited(context.Context, id.UserID)              {}

// askedAlias is alias for one that nobody has made yet: a bridge may do it now.
func (r *Rooms) askedAlias(ctx context.Context, alias id.RoomAlias, server string) (row eventlog.AliasRow, ok bool, err error) {
	row, ok, err = r.alias(ctx, alias)
	if err != nil || ok || server != r.opt.ServerName || !r.opt.Bridges.AskAlias(ctx, alias) {
		return row, ok, err
	}
	return r.alias(ctx, alias)
}

// tellInvited lets bridges make the accounts of those who are invited.
func (r *Rooms) tellInvited(ctx context.Context, users ...id.UserID) {
	for _, user := range users {
		if r.IsLocal(user) {
			r.opt.Bridges.Invited(ctx, user)
		}
	}
}

// AliasesOf returns the aliases of this server that point to a room.
func (r *Rooms) AliasesOf(ctx context.Context, rm *Room) ([]id.RoomAlias, error) {
	var rows []eventlog.AliasRow
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = r.log.Aliases(ctx, tx, rm.nid)
		return err
	})
	out := make([]id.RoomAlias, len(rows))
	for i, row := range rows {
		out[i] = row.Alias
	}
	return out, err
}
