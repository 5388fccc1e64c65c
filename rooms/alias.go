package rooms

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// newAlias makes an alias of this server of its local part.
//
// Spec: appendices#room-aliases
func (r *Rooms) newAlias(name string) (id.RoomAlias, error) {
	alias := id.RoomAlias("#" + name + ":" + r.opt.ServerName)
	if name == "" || strings.ContainsAny(name, ":\x00 \t\r\n") || strings.HasPrefix(name, "#") || len(alias) > 255 {
		return "", matrix.Errorf(matrix.InvalidParam, "%q cannot be the name of an alias.", name)
	}
	return alias, nil
}

// freeAlias is newAlias for a name that is not taken.
func (r *Rooms) freeAlias(ctx context.Context, p matrix.Principal, name string) (id.RoomAlias, error) {
	alias, err := r.newAlias(name)
	if err == nil {
		err = r.opt.Bridges.CheckAlias(p, alias)
	}
	if err != nil {
		return "", err
	}
	_, taken, err := r.alias(ctx, alias)
	if err != nil {
		return "", err
	}
	if taken {
		return "", errAliasInUse(alias)
	}
	return alias, nil
}

// parseAlias returns the local part and the server of alias.
func parseAlias(alias id.RoomAlias) (name, server string, err error) {
	name, server, ok := strings.Cut(strings.TrimPrefix(string(alias), "#"), ":")
	if !ok || alias[0] != '#' || name == "" || server == "" || len(alias) > 255 {
		return "", "", matrix.Errorf(matrix.InvalidParam, "%q is not an alias of a room.", string(alias))
	}
	return name, server, nil
}

// Resolve returns the room that alias points to. An unknown one is M_NOT_FOUND.
func (r *Rooms) Resolve(ctx context.Context, alias id.RoomAlias) (id.RoomID, error) {
	_, server, err := parseAlias(alias)
	if err != nil {
		return "", err
	}
	row, ok, err := r.askedAlias(ctx, alias, server)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", matrix.Errorf(matrix.NotFound, "There is no room with the alias %s.", alias)
	}
	return row.Room, nil
}

func (r *Rooms) alias(ctx context.Context, alias id.RoomAlias) (row eventlog.AliasRow, ok bool, err error) {
	err = r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		row, ok, err = r.log.Alias(ctx, tx, alias)
		return err
	})
	return row, ok, err
}

// AddAlias points a new alias of this server to a room.
//
// Spec: client-server-api#put_matrixclientv3directoryroomroomalias
func (r *Rooms) AddAlias(ctx context.Context, p matrix.Principal, alias id.RoomAlias, room id.RoomID) error {
	name, server, err := parseAlias(alias)
	if err != nil {
		return err
	}
	if server != r.opt.ServerName {
		return matrix.Errorf(matrix.InvalidParam, "Aliases of %s are made there.", server)
	}
	if _, err := r.newAlias(name); err != nil {
		return err
	}
	if err := r.opt.Bridges.CheckAlias(p, alias); err != nil {
		return err
	}
	rm, err := r.known(ctx, room)
	if err != nil {
		return err
	}
	if rm.MembershipOf(p.User) != "join" {
		return errNotInRoom()
	}
	err = r.db.Write(ctx, func(tx *storage.Tx) error { return r.log.AddAlias(ctx, tx, alias, rm.nid, p.User) })
	if errors.Is(err, storage.ErrConflict) {
		return &matrix.Error{Code: matrix.Unknown, Status: 409, Text: "The alias " + string(alias) + " is taken."}
	}
	return err
}

// DeleteAlias removes an alias. Who made it may, and who may set the room's
// canonical alias. A canonical alias that names it is corrected where the user may.
//
// Spec: client-server-api#delete_matrixclientv3directoryroomroomalias
func (r *Rooms) DeleteAlias(ctx context.Context, p matrix.Principal, alias id.RoomAlias) error {
	row, ok, err := r.alias(ctx, alias)
	if err != nil {
		return err
	}
	if !ok {
		return matrix.Errorf(matrix.NotFound, "There is no room with the alias %s.", alias)
	}
	rm, err := r.Room(ctx, row.Room)
	if err != nil {
		return err
	}
	may, err := rm.May(ctx, p.User, "m.room.canonical_alias", true)
	if err != nil {
		return err
	}
	if row.Creator != p.User && !p.Admin && !may {
		return matrix.Errorf(matrix.Forbidden, "You may not delete this alias.")
	}
	if err := r.db.Write(ctx, func(tx *storage.Tx) error { return r.log.DeleteAlias(ctx, tx, alias) }); err != nil || !may {
		return err
	}
	return r.forgetAlias(ctx, p, rm, alias)
}

// forgetAlias takes alias out of the room's canonical alias.
func (r *Rooms) forgetAlias(ctx context.Context, p matrix.Principal, rm *Room, alias id.RoomAlias) error {
	e, err := rm.Current(ctx, "m.room.canonical_alias", "")
	if err != nil || e == nil {
		return err
	}
	content := map[string]any{}
	e.Content().ForEach(func(key, value gjson.Result) bool {
		content[key.Str] = value.Value()
		return true
	})
	changed := false
	if content["alias"] == string(alias) {
		delete(content, "alias")
		changed = true
	}
	if alts, ok := content["alt_aliases"].([]any); ok && slices.Contains(alts, any(string(alias))) {
		content["alt_aliases"] = slices.DeleteFunc(alts, func(a any) bool { return a == any(string(alias)) })
		changed = true
	}
	if !changed {
		return nil
	}
	return r.setState(ctx, p.User, rm.id, "m.room.canonical_alias", content)
}

// Aliases returns the aliases of this server that point to a room. Members may
// ask, and everybody where the history is open to the world.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidaliases
func (r *Rooms) Aliases(ctx context.Context, p matrix.Principal, room id.RoomID) ([]id.RoomAlias, error) {
	rm, err := r.known(ctx, room)
	if err != nil {
		return nil, err
	}
	if rm.MembershipOf(p.User) != "join" {
		e, err := rm.Current(ctx, "m.room.history_visibility", "")
		if err != nil {
			return nil, err
		}
		if e == nil || e.Content().Get("history_visibility").Str != "world_readable" {
			return nil, errNotInRoom()
		}
	}
	var rows []eventlog.AliasRow
	err = r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = r.log.Aliases(ctx, tx, rm.nid)
		return err
	})
	out := make([]id.RoomAlias, len(rows))
	for i, row := range rows {
		out[i] = row.Alias
	}
	return out, err
}

// checkCanonicalAlias refuses aliases that do not point to the room. Those
// that the room's canonical alias names already may stay.
//
// Spec: client-server-api#mroomcanonical_alias
func (r *Rooms) checkCanonicalAlias(ctx context.Context, d Draft) error {
	rm, err := r.known(ctx, d.Room)
	if err != nil {
		return err
	}
	old, err := rm.Current(ctx, "m.room.canonical_alias", "")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	if old != nil {
		known = aliasesIn(old.Content())
	}
	content := gjson.ParseBytes(d.Content)
	for _, v := range append(content.Get("alt_aliases").Array(), content.Get("alias")) {
		if v.Exists() && v.Type != gjson.String && v.Type != gjson.Null {
			return matrix.Errorf(matrix.InvalidParam, "An alias is a text.")
		}
	}
	for alias := range aliasesIn(content) {
		if known[alias] {
			continue
		}
		if _, _, err := parseAlias(id.RoomAlias(alias)); err != nil {
			return err
		}
		row, ok, err := r.alias(ctx, id.RoomAlias(alias))
		if err != nil {
			return err
		}
		if !ok || row.Room != d.Room {
			return matrix.Errorf(matrix.BadAlias, "The alias %s does not point to this room.", alias)
		}
	}
	return nil
}

func aliasesIn(content gjson.Result) map[string]bool {
	out := map[string]bool{}
	for _, v := range append(content.Get("alt_aliases").Array(), content.Get("alias")) {
		if v.Str != "" {
			out[v.Str] = true
		}
	}
	return out
}
