package room_test

import (
	"fmt"
	"net/http"
	"testing"
)

// Who gets what from the endpoints that read, in rooms of every visibility.
// ada is in the room, bob left it, cyd forgot it after leaving, dan is invited,
// eve is banned, fay has nothing to do with it.
func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	const ok, no, none = http.StatusOK, http.StatusForbidden, http.StatusNotFound
	// What each of the endpoints answers to those who may look into the room
	// as it is, and to those who may not.
	statuses := func(may bool, event int) map[string]int {
		all := map[string]int{"messages": ok, "context": event, "event": event, "state": ok, "state event": ok, "members": ok, "relations": event, "threads": ok, "date": ok, "preview": ok}
		if !may {
			for name := range all {
				all[name] = no
			}
			all["event"], all["relations"] = none, none
		}
		return all
	}
	for visibility, open := range map[string]bool{"world_readable": true, "shared": false, "invited": false, "joined": false} {
		t.Run(visibility, func(t *testing.T) {
			t.Parallel()
			each(t, func(w *world) {
				room, early, late := w.story(visibility)
				for name, want := range map[string]map[string]int{
					"ada": statuses(true, ok), "bob": statuses(true, ok), "cyd": statuses(open, ok), "dan": statuses(open, ok), "eve": statuses(open, ok), "fay": statuses(open, ok),
				} {
					w.wantStatuses(name, room, early, want)
				}
				// What was said after bob left.
				want := statuses(true, none)
				if open {
					want = statuses(true, ok)
				}
				w.wantStatuses("bob", room, late, want)
				w.wantStatuses("ada", room, late, statuses(true, ok))
				for _, p := range endpoints(room, early) {
					w.as("").refused(http.StatusUnauthorized, "M_MISSING_TOKEN", http.MethodGet, p, "")
				}
			})
		})
	}
}

func endpoints(room, ev string) map[string]string {
	return map[string]string{
		"messages":    path(v3, "rooms", room, "messages") + "?dir=b",
		"context":     path(v3, "rooms", room, "context", ev),
		"event":       path(v3, "rooms", room, "event", ev),
		"state":       path(v3, "rooms", room, "state"),
		"state event": path(v3, "rooms", room, "state", "m.room.create", ""),
		"members":     path(v3, "rooms", room, "members"),
		"relations":   path(v1, "rooms", room, "relations", ev),
		"threads":     path(v1, "rooms", room, "threads"),
		"date":        path(v1, "rooms", room, "timestamp_to_event") + "?dir=f&ts=1",
		"preview":     path(v3, "rooms", room, "initialSync"),
	}
}

func (w *world) wantStatuses(name, room, ev string, want map[string]int) {
	w.Helper()
	for what, p := range endpoints(room, ev) {
		if status, answer := w.as(name).try(http.MethodGet, p, ""); status != want[what] {
			w.Errorf("%s asks for %s: status %d, want %d: %s", name, what, status, want[what], answer)
		}
	}
}

func (w *world) story(visibility string) (room, early, late string) {
	w.Helper()
	ada, bob, cyd := w.as("ada"), w.as("bob"), w.as("cyd")
	room = ada.create(fmt.Sprintf(`{"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility","content":{"history_visibility":%q}}]}`, visibility))
	for _, p := range []person{bob, cyd} {
		p.post(path(v3, "rooms", room, "join"), `{}`)
	}
	early = ada.say(room, "early")
	for _, p := range []person{bob, cyd} {
		p.post(path(v3, "rooms", room, "leave"), `{}`)
	}
	cyd.post(path(v3, "rooms", room, "forget"), `{}`)
	ada.post(path(v3, "rooms", room, "invite"), `{"user_id":"@dan:one.example"}`)
	ada.post(path(v3, "rooms", room, "ban"), `{"user_id":"@eve:one.example"}`)
	return room, early, ada.say(room, "late")
}
