package rooms

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/storage"
)

// carriedOver is the state that a room takes along when it is upgraded,
// beside power levels, aliases and bans. Spaces keep their children too.
var carriedOver = [...]string{
	"m.room.name", "m.room.topic", "m.room.avatar", "m.room.encryption", "m.room.join_rules",
	"m.room.history_visibility", "m.room.guest_access", "m.room.server_acl", "m.room.pinned_events", "m.room.policy",
}

// Upgrade replaces a room by a new one of another version, and returns that.
// The old room says where the conversation goes on.
//
// Spec: client-server-api#room-upgrades
func (r *Rooms) Upgrade(ctx context.Context, p matrix.Principal, room id.RoomID, version string, creators []id.UserID) (id.RoomID, error) {
	rules, ok := event.RulesFor(version)
	if !ok {
		return "", matrix.Errorf(matrix.UnsupportedRoomVersion, "Room version %q is not supported.", version)
	}
	if len(creators) > 0 && !rules.Creators {
		return "", matrix.Errorf(matrix.InvalidParam, "Rooms of version %s have no additional creators.", version)
	}
	old, err := r.known(ctx, room)
	if err != nil {
		return "", err
	}
	may, err := old.May(ctx, p.User, "m.room.tombstone", true)
	if err != nil {
		return "", err
	}
	if !may {
		return "", matrix.Errorf(matrix.Forbidden, "You may not upgrade this room.")
	}
	u := &upgrade{r: r, old: old, user: p.User, plan: &roomPlan{r: r, rules: rules, creator: p.User, public: old.IsPublic()}}
	if err := u.prepare(ctx, creators); err != nil {
		return "", err
	}
	next, err := r.carryOut(ctx, u.plan)
	if err != nil {
		return "", err
	}
	return next, u.close(ctx, next)
}

// upgrade is the move from an old room to a new one.
type upgrade struct {
	r    *Rooms
	old  *Room
	user id.UserID
	plan *roomPlan
}

// prepare plans the new room after the old one.
func (u *upgrade) prepare(ctx context.Context, creators []id.UserID) error {
	create, err := u.old.Current(ctx, "m.room.create", "")
	if err != nil {
		return err
	}
	if err := u.create(create, creators); err != nil {
		return err
	}
	join, err := u.r.memberContent(ctx, MemberChange{User: u.user}, "join", nil)
	if err != nil {
		return err
	}
	u.plan.drafts = append(u.plan.drafts, memberDraft(u.user, u.user, join))
	if err := u.levels(ctx); err != nil {
		return err
	}
	state, err := u.old.CurrentState(ctx, u.keeps(create.Content().Get("type").Str == "m.space"))
	if err != nil {
		return err
	}
	for _, e := range state {
		if e.Type == "m.room.member" {
			if e.Membership() == "ban" {
				u.plan.drafts = append(u.plan.drafts, memberDraft(u.user, id.UserID(*e.StateKey), e.pdu.Content))
			}
			continue
		}
		if err := u.plan.add(e.Type, *e.StateKey, e.pdu.Content); err != nil {
			return err
		}
	}
	return nil
}

// keeps says which state the new room is made of.
func (u *upgrade) keeps(space bool) func(StateKey) bool {
	return func(k StateKey) bool {
		switch k.Type {
		case "m.room.member", "m.space.parent":
			return true
		case "m.space.child":
			return space
		}
		return k.Key == "" && slices.Contains(carriedOver[:], k.Type)
	}
}

// create works out the create event of the new room.
func (u *upgrade) create(old *Event, creators []id.UserID) error {
	var content map[string]any
	if err := json.Unmarshal(old.pdu.Content, &content); err != nil {
		return err
	}
	predecessor := map[string]any{"room_id": u.old.id}
	if !u.plan.rules.Creators {
		predecessor["event_id"] = u.old.newest()
	}
	content["predecessor"] = predecessor
	content["room_version"] = u.plan.rules.Version
	delete(content, "creator")
	delete(content, "additional_creators")
	if !u.plan.rules.ImplicitCreator {
		content["creator"] = u.user
	}
	if len(creators) > 0 {
		content["additional_creators"] = creators
	}
	raw, err := json.Marshal(content)
	u.plan.first = raw
	return err
}

// newest returns the id of the newest event of the timeline.
func (rm *Room) newest() id.EventID {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	if len(rm.tail) == 0 {
		return ""
	}
	return rm.tail[len(rm.tail)-1].ID
}

// levels takes over the power levels. Whoever is a creator of a room stands
// above them all and is not listed; whoever was one of the old room is made as
// powerful as can be in a new room that knows no such creators.
func (u *upgrade) levels(ctx context.Context) error {
	e, err := u.old.Current(ctx, "m.room.power_levels", "")
	if err != nil {
		return err
	}
	content := map[string]any{}
	if e != nil {
		if err := json.Unmarshal(e.pdu.Content, &content); err != nil {
			return err
		}
	}
	was, err := u.old.PowerLevels(ctx)
	if err != nil {
		return err
	}
	users := map[string]any{}
	if listed, ok := content["users"].(map[string]any); ok {
		maps.Copy(users, listed)
	}
	for _, user := range u.plan.creators() {
		delete(users, string(user))
	}
	if !u.plan.rules.Creators {
		u.enthrone(was, users)
	}
	content["users"] = users
	return u.plan.add("m.room.power_levels", "", content)
}

// enthrone gives the creators of the old room the highest level in users.
func (u *upgrade) enthrone(was *auth.PowerLevels, users map[string]any) {
	for _, user := range u.old.Members("join", "invite") {
		if was.IsCreator(user) {
			users[string(user)] = 100
		}
	}
	if _, ok := users[string(u.user)]; !ok {
		users[string(u.user)] = 100
	}
}

// close says in the old room where the new one is, moves the aliases there and
// quietens the old room.
func (u *upgrade) close(ctx context.Context, next id.RoomID) error {
	content, err := json.Marshal(map[string]any{"body": "This room has been replaced", "replacement_room": next})
	if err != nil {
		return err
	}
	key := ""
	d := draft{Draft: event.Draft{Sender: u.user, Type: "m.room.tombstone", StateKey: &key, Content: content}}
	_, err = u.r.addOne(ctx, u.old.id, d)
	if err != nil {
		return err
	}
	if err := u.moveAliases(ctx, next); err != nil {
		return err
	}
	return u.quieten(ctx)
}

func (u *upgrade) moveAliases(ctx context.Context, next id.RoomID) error {
	rm, err := u.r.Room(ctx, next)
	if err != nil {
		return err
	}
	err = u.r.db.Write(ctx, func(tx *storage.Tx) error {
		if err := u.r.log.MoveAliases(ctx, tx, u.old.nid, rm.nid); err != nil {
			return err
		}
		tx.OnCommit(func() { u.old.setPublic(false) })
		return u.r.log.SetPublic(ctx, tx, u.old.nid, false)
	})
	if err != nil {
		return err
	}
	e, err := u.old.Current(ctx, "m.room.canonical_alias", "")
	if err != nil || e == nil || len(aliasesIn(e.Content())) == 0 {
		return err
	}
	if err := u.r.setState(ctx, u.user, next, "m.room.canonical_alias", e.pdu.Content); err != nil {
		return err
	}
	return ignoreRefusal(u.r.setState(ctx, u.user, u.old.id, "m.room.canonical_alias", map[string]any{}))
}

// quieten raises the levels for sending and inviting in the old room, where
// the user may.
func (u *upgrade) quieten(ctx context.Context) error {
	e, err := u.old.Current(ctx, "m.room.power_levels", "")
	if err != nil || e == nil {
		return err
	}
	c := e.Content()
	level := max(50, c.Get("users_default").Int()+1)
	content := []byte(e.pdu.Content)
	for _, key := range []string{"events_default", "invite"} {
		if c.Get(key).Int() < level {
			if content, err = sjson.SetBytes(content, key, level); err != nil {
				return err
			}
		}
	}
	return ignoreRefusal(u.r.setState(ctx, u.user, u.old.id, "m.room.power_levels", json.RawMessage(content)))
}

// ignoreRefusal is for what is done where it is allowed.
func ignoreRefusal(err error) error {
	if matrix.IsCode(err, matrix.Forbidden) {
		return nil
	}
	return err
}
