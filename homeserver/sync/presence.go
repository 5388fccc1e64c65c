package sync

import (
	"context"
	"encoding/json"

	"plenum/internal/filter"
)

// presence writes how those who share a room with the user appear.
//
// Spec: client-server-api#presence
func (t *turn) presence(ctx context.Context) error {
	f := &t.filter.Presence
	if f.IsShut() {
		return nil
	}
	changes, err := t.s.Data.PresenceChanges(ctx, t.who.User, t.since.Serial)
	if err != nil || len(changes) == 0 {
		return err
	}
	list := t.out.OpenEvents("presence")
	for _, p := range changes {
		if t.ignored.Has(p.User) || !f.Match(filter.Subject{Type: "m.presence", Sender: p.User}) {
			continue
		}
		content, err := json.Marshal(p)
		if err != nil {
			return err
		}
		t.out.Event("m.presence", content, p.User)
	}
	t.out.CloseEvents(list)
	return nil
}
