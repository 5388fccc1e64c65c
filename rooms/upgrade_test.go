package rooms_test

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, path := range [][2]string{{"1", "12"}, {"10", "11"}, {"12", "12"}, {"12", "11"}, {"11", "12"}} {
		t.Run(path[0]+" to "+path[1], func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				ctx := h.Context()
				old := h.create(ada, rooms.CreateRequest{RoomVersion: path[0], Name: "Market", AliasName: "market", Visibility: "public"})
				h.join(bob, old)
				h.must(h.Ban(ctx, as(ada), rooms.MemberChange{Room: old, User: eve}))
				_, err := h.Upgrade(ctx, as(bob), old, path[1], nil)
				h.refused(err, matrix.Forbidden)
				_, err = h.Upgrade(ctx, as(ada), old, "none", nil)
				h.refused(err, matrix.UnsupportedRoomVersion)
				next, err := h.Upgrade(ctx, as(ada), old, path[1], nil)
				h.must(err)
				if got := h.state(old, "m.room.tombstone", "").Get("replacement_room").Str; got != string(next) {
					t.Errorf("the old room points to %q, want %s", got, next)
				}
				if got := h.state(next, "m.room.create", "").Get("predecessor.room_id").Str; got != string(old) {
					t.Errorf("the new room comes from %q", got)
				}
				if h.room(next).Version() != path[1] || h.state(next, "m.room.name", "").Get("name").Str != "Market" {
					t.Error("the new room is not like the old one")
				}
				if got, err := h.Resolve(ctx, "#market:one.example"); err != nil || got != next {
					t.Errorf("the alias points to %s, %v", got, err)
				}
				if h.state(next, "m.room.canonical_alias", "").Get("alias").Str != "#market:one.example" {
					t.Error("the new room has no canonical alias")
				}
				if h.room(old).IsPublic() || !h.room(next).IsPublic() {
					t.Error("the directory lists the wrong room")
				}
				h.refused(h.Join(ctx, as(eve), rooms.MemberChange{Room: next}), matrix.Forbidden)
				h.join(bob, next)
				_, err = h.Send(ctx, as(bob), message(old, "still here?", ""))
				h.refused(err, matrix.Forbidden)
				levels, err := h.room(next).PowerLevels(ctx)
				if h.must(err); levels.User(ada) < 100 || levels.User(bob) != 0 {
					t.Errorf("ada %d, bob %d", levels.User(ada), levels.User(bob))
				}
			})
		})
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		market := h.create(ada, rooms.CreateRequest{Visibility: "public", Name: "Market", Topic: "apples"})
		square := h.create(ada, rooms.CreateRequest{Visibility: "public", Name: "Square", CreationContent: json.RawMessage(`{"type":"m.space"}`)})
		h.create(ada, rooms.CreateRequest{Name: "Market, but private"})
		h.join(bob, square)
		list := func(q rooms.DirectoryQuery) (out []id.RoomID) {
			t.Helper()
			for {
				page, err := h.Directory(ctx, q)
				h.must(err)
				for _, s := range page.Rooms {
					out = append(out, s.Room)
				}
				if q.Since = page.Next; q.Since == "" {
					return out
				}
			}
		}
		for _, c := range []struct {
			q    rooms.DirectoryQuery
			want []id.RoomID
		}{
			{rooms.DirectoryQuery{}, []id.RoomID{square, market}},
			{rooms.DirectoryQuery{Limit: 1}, []id.RoomID{square, market}},
			{rooms.DirectoryQuery{Search: "MARK"}, []id.RoomID{market}},
			{rooms.DirectoryQuery{Search: "apple"}, []id.RoomID{market}},
			{rooms.DirectoryQuery{Types: []string{"m.space"}}, []id.RoomID{square}},
			{rooms.DirectoryQuery{Types: []string{""}}, []id.RoomID{market}},
		} {
			got := list(c.q)
			if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
				t.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
		_, err := h.Directory(ctx, rooms.DirectoryQuery{Since: "x"})
		h.refused(err, matrix.InvalidParam)
		h.refused(h.SetPublic(ctx, as(bob), market, false), matrix.Forbidden)
		h.must(h.SetPublic(ctx, as(ada), market, false))
		h.reopen()
		if got := list(rooms.DirectoryQuery{}); len(got) != 1 {
			t.Errorf("%v is listed", got)
		}
	})
}

func TestAliases(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		const alias = id.RoomAlias("#b:one.example")
		h.refused(h.AddAlias(ctx, as(eve), alias, room), matrix.Forbidden)
		h.must(h.AddAlias(ctx, as(bob), alias, room))
		h.refused(h.AddAlias(ctx, as(bob), alias, room), matrix.Unknown)
		h.refused(h.AddAlias(ctx, as(bob), "#b:two.example", room), matrix.InvalidParam)
		h.refused(h.AddAlias(ctx, as(bob), "b", room), matrix.InvalidParam)
		key := ""
		_, err := h.Send(ctx, as(ada), rooms.Draft{Room: room, Type: "m.room.canonical_alias", StateKey: &key, Content: json.RawMessage(`{"alias":"#b:one.example","alt_aliases":["#b:one.example"]}`)})
		h.must(err)
		if got, err := h.Aliases(ctx, as(bob), room); err != nil || len(got) != 1 || got[0] != alias {
			t.Errorf("aliases %v, %v", got, err)
		}
		_, err = h.Aliases(ctx, as(eve), room)
		h.refused(err, matrix.Forbidden)
		h.refused(h.DeleteAlias(ctx, as(eve), alias), matrix.Forbidden)
		h.must(h.DeleteAlias(ctx, as(ada), alias))
		if h.state(room, "m.room.canonical_alias", "").Get("alias").Exists() {
			t.Error("the canonical alias is still there")
		}
		_, err = h.Resolve(ctx, alias)
		h.refused(err, matrix.NotFound)
	})
}
