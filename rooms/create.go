package rooms

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/internal/servername"
	"plenum/rooms/event"
	"plenum/storage"
)

// maxInvites bounds the invitations that come with a new room.
const maxInvites = 200

// CreateRequest says what a new room is to be like.
//
// Spec: client-server-api#post_matrixclientv3createroom
type CreateRequest struct {
	Preset             string          `json:"preset"`
	Visibility         string          `json:"visibility"`
	RoomVersion        string          `json:"room_version"`
	AliasName          string          `json:"room_alias_name"`
	Name               string          `json:"name"`
	Topic              string          `json:"topic"`
	Invite             []id.UserID     `json:"invite"`
	Invite3PID         []any           `json:"invite_3pid"`
	CreationContent    json.RawMessage `json:"creation_content"`
	InitialState       []InitialState  `json:"initial_state"`
	IsDirect           bool            `json:"is_direct"`
	PowerLevelOverride json.RawMessage `json:"power_level_content_override"`
	Plain              bool            `json:"-"` // not encrypted, whatever the settings say
}

// InitialState is a state event of a new room.
type InitialState struct {
	Type     string          `json:"type"`
	StateKey string          `json:"state_key"`
	Content  json.RawMessage `json:"content"`
}

// preset is a named set of rules for a new room.
type preset struct {
	joinRule, visibility, guests string
	trusted                      bool // those invited are as powerful as the creator
}

func presetOf(q *CreateRequest) (preset, error) {
	if q.Preset == "" {
		q.Preset = "private_chat"
		if q.Visibility == "public" {
			q.Preset = "public_chat"
		}
	}
	switch q.Preset {
	case "private_chat":
		return preset{"invite", "shared", "can_join", false}, nil
	case "trusted_private_chat":
		return preset{"invite", "shared", "can_join", true}, nil
	case "public_chat":
		return preset{"public", "shared", "forbidden", false}, nil
	}
	return preset{}, matrix.Errorf(matrix.InvalidParam, "There is no preset %q.", q.Preset)
}

// Create makes a room with everything that is asked for, or nothing. Only people
// of other servers may be missing in the end: their servers decide whether they
// are invited, and not all can be reached.
func (r *Rooms) Create(ctx context.Context, p matrix.Principal, q CreateRequest) (id.RoomID, error) {
	plan, err := r.plan(ctx, p, q)
	if err != nil {
		return "", err
	}
	room, err := r.carryOut(ctx, plan)
	if err != nil {
		return "", err
	}
	return room, r.inviteFar(ctx, p, room, q)
}

// inviteFar invites the people of other servers to a new room.
func (r *Rooms) inviteFar(ctx context.Context, p matrix.Principal, room id.RoomID, q CreateRequest) error {
	for i, user := range q.Invite {
		if r.IsLocal(user) || slices.Contains(q.Invite[:i], user) {
			continue
		}
		err := r.inviteElsewhere(ctx, p, MemberChange{Room: room, User: user, IsDirect: q.IsDirect})
		var refusal *matrix.Error
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}

// plan checks a request and works out the events of the room.
func (r *Rooms) plan(ctx context.Context, p matrix.Principal, q CreateRequest) (*roomPlan, error) {
	unaware := q.RoomVersion == ""
	if unaware {
		q.RoomVersion = r.opt.DefaultVersion
	}
	rules, ok := event.RulesFor(q.RoomVersion)
	if !ok {
		return nil, matrix.Errorf(matrix.UnsupportedRoomVersion, "Room version %q is not supported.", q.RoomVersion)
	}
	set, err := presetOf(&q)
	if err != nil {
		return nil, err
	}
	if err := r.checkCreate(ctx, p, q); err != nil {
		return nil, err
	}
	r.tellInvited(ctx, q.Invite...)
	plan := &roomPlan{r: r, rules: rules, creator: p.User, unaware: unaware, public: q.Visibility == "public", given: map[StateKey]bool{}}
	for _, s := range q.InitialState {
		plan.given[StateKey{s.Type, s.StateKey}] = true
	}
	if q.AliasName != "" {
		if plan.alias, err = r.freeAlias(ctx, p, q.AliasName); err != nil {
			return nil, err
		}
	}
	if err := plan.create(q, set); err != nil {
		return nil, err
	}
	return plan, plan.fill(ctx, q, set)
}

// checkCreate refuses what no room can be made of.
func (r *Rooms) checkCreate(ctx context.Context, p matrix.Principal, q CreateRequest) error {
	switch q.Visibility {
	case "", "public", "private":
	default:
		return matrix.Errorf(matrix.InvalidParam, "The visibility of a room is public or private.")
	}
	if len(q.Invite3PID) > 0 {
		return matrix.Errorf(matrix.ThreePIDDenied, "This server invites nobody by e-mail or telephone.")
	}
	if len(q.Invite) > maxInvites {
		return matrix.Errorf(matrix.InvalidParam, "At most %d people can be invited to a new room at once.", maxInvites)
	}
	for _, user := range q.Invite {
		if err := r.reachable(ctx, p.User, user, ""); err != nil {
			return err
		}
	}
	for _, s := range q.InitialState {
		if s.Type == "" || len(s.Content) == 0 {
			return matrix.Errorf(matrix.BadJSON, "Every event of initial_state has a type and a content.")
		}
		if s.Type == "m.room.create" || s.Type == "m.room.member" {
			return matrix.Errorf(matrix.InvalidParam, "initial_state cannot hold %s.", s.Type)
		}
	}
	return nil
}

// roomPlan is a room that is about to be made.
type roomPlan struct {
	r       *Rooms
	rules   *event.Rules
	creator id.UserID
	unaware bool // the client did not choose the version of the room
	alias   id.RoomAlias
	public  bool
	first   json.RawMessage // content of the create event
	drafts  []*draft
	given   map[StateKey]bool // what initial_state says itself
}

func (pl *roomPlan) add(typ, key string, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return matrix.Errorf(matrix.BadJSON, "The content of %s is not valid.", typ)
	}
	pl.drafts = append(pl.drafts, &draft{Draft: event.Draft{Sender: pl.creator, Type: typ, StateKey: &key, Content: raw}})
	return nil
}

// preset is add for what initial_state may say otherwise.
func (pl *roomPlan) preset(typ string, content map[string]any) error {
	if pl.given[StateKey{typ, ""}] {
		return nil
	}
	return pl.add(typ, "", content)
}

// create works out the content of the create event.
func (pl *roomPlan) create(q CreateRequest, set preset) error {
	var content map[string]any
	if len(q.CreationContent) > 0 {
		if err := json.Unmarshal(q.CreationContent, &content); err != nil {
			return matrix.Errorf(matrix.BadJSON, "creation_content is not a JSON object.")
		}
	}
	if content == nil { // null is as good as nothing
		content = map[string]any{}
	}
	content["room_version"] = pl.rules.Version
	if pl.rules.ImplicitCreator {
		delete(content, "creator")
	} else {
		content["creator"] = pl.creator
	}
	if err := pl.checkCreators(content); err != nil {
		return err
	}
	if pl.rules.Creators && set.trusted && len(q.Invite) > 0 {
		creators, _ := content["additional_creators"].([]any)
		for _, user := range q.Invite {
			if !slices.Contains(creators, any(string(user))) && user != pl.creator {
				creators = append(creators, string(user))
			}
		}
		content["additional_creators"] = creators
	}
	raw, err := json.Marshal(content)
	pl.first = raw
	return err
}

// checkCreators refuses creators who cannot be anybody.
//
// Spec: rooms/v12#event-format
func (pl *roomPlan) checkCreators(content map[string]any) error {
	given, ok := content["additional_creators"]
	if !ok || !pl.rules.Creators {
		return nil
	}
	wrong := matrix.Errorf(matrix.InvalidParam, "additional_creators has to be a list of user ids.")
	list, ok := given.([]any)
	if !ok {
		return wrong
	}
	for _, v := range list {
		if user, ok := v.(string); !ok || !event.ValidUser(user) || !servername.Valid(event.ServerName(user)) {
			return wrong
		}
	}
	return nil
}

// creators are those of the room, as far as its version has them.
func (pl *roomPlan) creators() []id.UserID {
	if !pl.rules.Creators {
		return nil
	}
	var first struct {
		More []id.UserID `json:"additional_creators"`
	}
	if err := json.Unmarshal(pl.first, &first); err != nil {
		return []id.UserID{pl.creator} // the rules of authorisation will say more
	}
	return append(first.More, pl.creator)
}

// fill lists the events after the first, in the order of the specification.
func (pl *roomPlan) fill(ctx context.Context, q CreateRequest, set preset) error {
	join, err := pl.r.memberContent(ctx, MemberChange{User: pl.creator}, "join", nil)
	if err != nil {
		return err
	}
	pl.drafts = append(pl.drafts, memberDraft(pl.creator, pl.creator, join))
	steps := []func() error{
		func() error { return pl.powerLevels(q, set) },
		func() error {
			if pl.alias == "" {
				return nil
			}
			return pl.add("m.room.canonical_alias", "", map[string]any{"alias": pl.alias})
		},
		func() error { return pl.preset("m.room.join_rules", map[string]any{"join_rule": set.joinRule}) },
		func() error {
			return pl.preset("m.room.history_visibility", map[string]any{"history_visibility": set.visibility})
		},
		func() error {
			if set.guests != "can_join" { // nobody may unless the room says so
				return nil
			}
			return pl.preset("m.room.guest_access", map[string]any{"guest_access": set.guests})
		},
		func() error { return pl.encryption(q) },
		func() error {
			for _, s := range q.InitialState {
				if err := pl.add(s.Type, s.StateKey, s.Content); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			if q.Name == "" {
				return nil
			}
			return pl.add("m.room.name", "", map[string]any{"name": q.Name})
		},
		func() error {
			if q.Topic == "" {
				return nil
			}
			text := []map[string]any{{"body": q.Topic}}
			return pl.add("m.room.topic", "", map[string]any{"topic": q.Topic, "m.topic": map[string]any{"m.text": text}})
		},
		func() error { return pl.invites(ctx, q) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// encryption turns encryption on where the configuration wants it for a preset.
func (pl *roomPlan) encryption(q CreateRequest) error {
	if q.Plain || !slices.Contains(pl.r.opt.EncryptPresets, q.Preset) || pl.public {
		return nil
	}
	return pl.preset("m.room.encryption", map[string]any{"algorithm": "m.megolm.v1.aes-sha2"})
}

func (pl *roomPlan) invites(ctx context.Context, q CreateRequest) error {
	for i, user := range q.Invite {
		if slices.Contains(q.Invite[:i], user) || user == pl.creator || !pl.r.IsLocal(user) {
			continue // people of other servers are asked when the room is there
		}
		content, err := pl.r.memberContent(ctx, MemberChange{User: user, IsDirect: q.IsDirect}, "invite", nil)
		if err != nil {
			return err
		}
		pl.drafts = append(pl.drafts, memberDraft(pl.creator, user, content))
	}
	return nil
}

// carryOut makes the room.
func (r *Rooms) carryOut(ctx context.Context, pl *roomPlan) (id.RoomID, error) {
	const tries = 8
	for n := range int64(tries) {
		room, err := r.attempt(ctx, pl, r.opt.Now().UnixMilli()+n)
		if !errors.Is(err, storage.ErrConflict) {
			return room, err
		}
		if pl.alias != "" {
			if _, taken, err := r.alias(ctx, pl.alias); taken || err != nil {
				return "", cmp.Or(err, error(errAliasInUse(pl.alias)))
			}
		}
		// Since version 12 the room's id is the hash of its first event, and two
		// rooms that one person makes in one millisecond would be the same.
	}
	return "", errors.New("no free room id")
}

func errAliasInUse(alias id.RoomAlias) *matrix.Error {
	return matrix.Errorf(matrix.RoomInUse, "The alias %s is taken.", alias)
}

// attempt makes the room with a create event of time ts (ms).
func (r *Rooms) attempt(ctx context.Context, pl *roomPlan, ts int64) (id.RoomID, error) {
	key := ""
	first := &draft{Draft: event.Draft{Sender: pl.creator, Type: "m.room.create", StateKey: &key, Content: pl.first, Depth: 1, TS: ts}}
	if !pl.rules.Creators {
		first.Room = r.newRoomID()
	}
	pdu, err := event.Build(pl.rules, first.Draft, r.opt.Signer)
	if err != nil {
		return "", err
	}
	rm := r.newRoom(pdu.Room, pl.rules)
	rm.tailLow, rm.public = minPos, pl.public
	rm.write.Lock()
	defer rm.write.Unlock()
	b := &batch{n: 1, fresh: true, then: []sideline{pl.directory}}
	v := &view{ctx: ctx, rm: rm}
	if err := v.accept(b, first, pdu); err != nil {
		return "", err
	}
	for _, d := range pl.drafts {
		again := *d
		if err := v.build(b, &again); err != nil {
			return "", err
		}
	}
	return rm.id, rm.submit(v, b).Wait(ctx)
}

// directory writes what belongs to a new room beside its events.
func (pl *roomPlan) directory(ctx context.Context, tx *storage.Tx, rm *Room, _ []*Event) error {
	if pl.alias != "" {
		if err := pl.r.log.AddAlias(ctx, tx, pl.alias, rm.nid, pl.creator); err != nil {
			return err
		}
	}
	if pl.public {
		return pl.r.log.SetPublic(ctx, tx, rm.nid, true)
	}
	return nil
}

// newRoomID makes a room id as versions before 12 have them.
//
// Spec: appendices#room-ids
func (r *Rooms) newRoomID() id.RoomID {
	return id.RoomID("!" + strings.ToLower(rand.Text()) + ":" + r.opt.ServerName)
}
