package push

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// carryRules gives the new version of a room the rules that users of this
// server have for the old one, when they join it. The specification leaves it
// to servers; users expect a room that they muted to stay muted.
func (p *Push) carryRules(ctx context.Context, evs []*rooms.Event) {
	for _, e := range evs {
		if e.Membership() != "join" || !p.rooms.IsLocal(id.UserID(*e.StateKey)) {
			continue
		}
		if err := p.carry(ctx, id.UserID(*e.StateKey), e); err != nil && ctx.Err() == nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "push rules were not carried to the new version of a room", slog.Any("err", err))
		}
	}
}

func (p *Push) carry(ctx context.Context, user id.UserID, join *rooms.Event) error {
	stored, err := p.data.Stored(ctx, user, "", Type)
	if err != nil || stored == nil {
		return err
	}
	m, err := p.rooms.MembershipOf(ctx, user, join.Room)
	if err != nil || m.Pos == join.Pos && m.Prev == "join" {
		return err // nothing but a new name or picture
	}
	rm, err := p.rooms.Room(ctx, join.Room)
	if err != nil {
		return err
	}
	old, err := rm.Predecessor(ctx)
	if err != nil || old == "" {
		return err
	}
	return p.edit(ctx, user, func(rules *Rules) error {
		for _, kind := range []Kind{Override, Room, Underride} {
			list := rules.of(kind)
			*list = carried(kind, *list, old, join.Room)
		}
		return nil
	})
}

// carried returns list with what it says of room old said of room next too.
func carried(kind Kind, list []Rule, old, next id.RoomID) []Rule {
	for i := 0; i < len(list); i++ {
		r := list[i]
		if r.Default || roomOf(kind, r) != lower(old) {
			continue
		}
		for at, raw := range r.Conditions {
			if roomOf(kind, Rule{Conditions: []json.RawMessage{raw}}) == lower(old) {
				r.Conditions = slices.Clone(r.Conditions)
				r.Conditions[at] = roomCondition(next)
			}
		}
		switch r.ID {
		case string(old):
			r.ID = string(next)
		default:
			r.ID += "." + string(next)
		}
		if len(r.ID) > maxRuleID || indexOf(list, r.ID) >= 0 {
			continue
		}
		list = slices.Insert(list, i+1, r)
		i++
	}
	return list
}

func roomCondition(room id.RoomID) json.RawMessage {
	raw, err := json.Marshal(map[string]string{"kind": "event_match", "key": "room_id", "pattern": string(room)})
	if err != nil {
		return nil // cannot happen to strings
	}
	return raw
}
