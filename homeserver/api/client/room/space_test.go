package room_test

import (
	"fmt"
	"net/http"
	"testing"

	"plenum/internal/matrix"
)

func TestSpaces(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, eve := w.as("ada"), w.as("eve")
		space := ada.create(`{"preset":"public_chat","name":"House","creation_content":{"type":"m.space"}}`)
		open := ada.create(`{"preset":"public_chat","name":"Kitchen"}`)
		closed := ada.create(`{"preset":"private_chat","name":"Cellar"}`)
		for i, child := range []string{open, closed} {
			ada.put(path(v3, "rooms", space, "state", "m.space.child", child), fmt.Sprintf(`{"via":["one.example"],"order":"%d","suggested":true}`, i))
		}
		hierarchy := path(v1, "rooms", space, "hierarchy")
		all := ada.get(hierarchy)
		w.same("rooms for ada", all.Get("rooms.#.name").Raw, `["House","Kitchen","Cellar"]`)
		w.same("type", all.Get("rooms.0.room_type").Str, "m.space")
		w.same("children", all.Get("rooms.0.children_state.#.state_key").Raw, fmt.Sprintf(`[%q,%q]`, open, closed))
		w.same("time of a child", all.Get("rooms.0.children_state.0.origin_server_ts").Exists(), true)
		w.same("rooms for eve", eve.get(hierarchy).Get("rooms.#.name").Raw, `["House","Kitchen"]`)
		first := ada.get(hierarchy + "?limit=2&suggested_only=true")
		w.same("first page", first.Get("rooms.#.name").Raw, `["House","Kitchen"]`)
		rest := ada.get(hierarchy + "?limit=2&suggested_only=true&from=" + first.Get("next_batch").Str)
		w.same("second page", rest.Get("rooms.#.name").Raw, `["Cellar"]`)
		w.same("the end", rest.Get("next_batch").Exists(), false)
		w.same("no depth", ada.get(hierarchy+"?max_depth=0").Get("rooms.#.name").Raw, `["House"]`)
		eve.refused(http.StatusForbidden, matrix.Forbidden, http.MethodGet, path(v1, "rooms", closed, "hierarchy"), "")
	})
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada := w.as("ada")
		open := ada.create(`{"preset":"public_chat","name":"Kitchen","topic":"cooking","room_alias_name":"kitchen","room_version":"11"}`)
		closed := ada.create(`{"preset":"private_chat","name":"Cellar","initial_state":[{"type":"m.room.encryption","content":{"algorithm":"m.megolm.v1.aes-sha2"}}]}`)
		for _, at := range []string{
			path(v1, "room_summary", open), path(v1, "room_summary", "#kitchen:one.example"),
			path("/_matrix/client/unstable/im.nheko.summary/summary", open),
		} {
			s := w.as("").get(at)
			w.same("summary", s.Raw, fmt.Sprintf(`{"room_id":%q,"name":"Kitchen","topic":"cooking","canonical_alias":"#kitchen:one.example",`+
				`"join_rule":"public","room_version":"11","num_joined_members":1,"guest_can_join":false,"world_readable":false}`, open))
		}
		mine := ada.get(path(v1, "room_summary", closed))
		w.same("encryption", mine.Get("encryption").Str, "m.megolm.v1.aes-sha2")
		w.same("membership", mine.Get("membership").Str, "join")
		w.same("membership of others", w.as("eve").get(path(v1, "room_summary", open)).Get("membership").Str, "leave")
		for _, name := range []string{"", "eve"} {
			w.as(name).refused(http.StatusNotFound, matrix.NotFound, http.MethodGet, path(v1, "room_summary", closed), "")
		}
	})
}
