package rooms

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// signers are the servers that have to have signed p.
//
// Spec: server-server-api#validating-hashes-and-signatures-on-received-events
func signers(p *event.PDU) []string {
	var out []string
	invited := gjson.GetBytes(p.Content, "third_party_invite").Exists() && gjson.GetBytes(p.Content, "membership").Str == "invite"
	if p.Type != "m.room.member" || !invited {
		out = append(out, p.Sender.Homeserver())
	}
	if p.Rules.IDs == event.OwnID {
		out = append(out, event.ServerName(p.ID))
	}
	if p.Rules.Restricted && p.Type == "m.room.member" && gjson.GetBytes(p.Content, "membership").Str == "join" {
		if via := gjson.GetBytes(p.Content, authorisedVia).Str; via != "" {
			out = append(out, id.UserID(via).Homeserver())
		}
	}
	return out
}

// verify checks that everybody has signed p who has to.
func (r *Rooms) verify(ctx context.Context, p *event.PDU) error {
	done := map[string]bool{}
	for _, server := range signers(p) {
		if done[server] {
			continue
		}
		done[server] = true
		if err := r.verifyOf(ctx, p, server); err != nil {
			return &matrix.Error{Code: matrix.Forbidden, Text: fmt.Sprintf("Event %s is not signed by %s with a valid key.", p.ID, server), Err: err}
		}
	}
	return nil
}

// verifyOf checks the signature of one server, of which one is enough.
func (r *Rooms) verifyOf(ctx context.Context, p *event.PDU, server string) error {
	if server == r.opt.ServerName {
		if err := event.Verify(p, server, r.opt.Signer.Public(), r.opt.Signer.KeyID()); err == nil {
			return nil
		}
	}
	var keys []string
	p.Signatures(func(by, keyID string) {
		if by == server && len(keys) < 5 {
			keys = append(keys, keyID)
		}
	})
	if r.opt.Keys == nil || len(keys) == 0 {
		return errUnsigned
	}
	var failed error
	for _, keyID := range keys {
		key, err := r.opt.Keys.Key(ctx, server, keyID, p.TS, p.Rules.EnforceKeyTimes)
		if err == nil {
			err = event.Verify(p, server, key, keyID)
		}
		if err == nil {
			return nil
		}
		failed = err
	}
	return failed
}

var errUnsigned = matrix.Errorf(matrix.Forbidden, "The event is not signed.")

// sift parses and verifies events of one room that another server sent along.
// What is not an event of the room, or not signed, is left out. Many are
// verified at a time.
func (r *Rooms) sift(ctx context.Context, rules *event.Rules, room id.RoomID, raws []json.RawMessage) []*event.PDU {
	out := make([]*event.PDU, len(raws))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(len(raws), 8*runtime.GOMAXPROCS(0)) { // most of the time is waiting for keys
		wg.Go(func() {
			for i := range next {
				p, err := event.Parse(rules, raws[i])
				if err != nil || p.Room != room || r.verify(ctx, p) != nil {
					continue
				}
				out[i] = p
			}
		})
	}
	for i := range raws {
		next <- i
	}
	close(next)
	wg.Wait()
	kept := out[:0]
	seen := make(map[id.EventID]bool, len(out))
	for _, p := range out {
		if p != nil && !seen[p.ID] {
			seen[p.ID] = true
			kept = append(kept, p)
		}
	}
	return kept
}
