package appservice

import (
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
)

// writePresence writes how users appear who share a room with the service.
//
// Spec: application-service-api#presence
func (t *transaction) writePresence() error {
	for _, p := range t.c.s.Data.PresenceAfter(t.c.presence) {
		shares, err := t.shares(p.User, false)
		if err != nil {
			return err
		}
		if !shares {
			continue
		}
		content, err := json.Marshal(p)
		if err != nil {
			return err
		}
		w := tell.Writer{Buf: []byte{'{'}}
		w.Name("type")
		w.Text("m.presence")
		w.Name("sender")
		w.Text(string(p.User))
		w.Name("content")
		w.Raw(content)
		t.ephemeral.Raw(append(w.Buf, '}'))
	}
	return nil
}

// shares reports whether user is one of the service's, or in a room with one;
// in an encrypted room, if that is asked for.
func (t *transaction) shares(user id.UserID, encrypted bool) (bool, error) {
	if t.c.to.Wants(user) {
		return true, nil
	}
	in, err := t.c.s.Rooms.JoinedRooms(t.ctx, user)
	if err != nil {
		return false, err
	}
	kinds, err := t.c.s.Rooms.Kinds(t.ctx, in)
	if err != nil {
		return false, err
	}
	for n, room := range in {
		if encrypted && !kinds[n].Encrypted {
			continue
		}
		if is, err := t.c.inside.at(t.ctx, room, t.upto); err != nil || is {
			return is, err
		}
	}
	return false, nil
}
