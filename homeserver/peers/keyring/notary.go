package keyring

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"plenum/internal/matrix"
)

const (
	maxAsked = 100              // servers that one question to us may be about
	askTime  = 20 * time.Second // that we take to ask them
)

// Known answers what we know of the keys of servers, signed by them and by us:
// by server and key, until when (in milliseconds) a key has to be valid. An
// empty list of keys asks for all. Servers are asked when we do not know it;
// what cannot be had is left out.
//
// Spec: server-server-api#post_matrixkeyv2query
func (r *Ring) Known(ctx context.Context, wanted map[string]map[string]int64) ([]json.RawMessage, error) {
	if len(wanted) > maxAsked {
		return nil, matrix.Errorf(matrix.TooLarge, "Ask for %d servers at most.", maxAsked)
	}
	asking, cancel := context.WithTimeout(ctx, askTime)
	r.refresh(asking, wanted)
	cancel()
	servers := slices.Sorted(maps.Keys(wanted))
	answers, err := r.store.Answers(ctx, servers)
	if err != nil {
		return nil, err
	}
	all := []json.RawMessage{}
	if _, ok := wanted[r.signer.Server()]; ok {
		own, err := r.Own()
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	for _, a := range answers {
		signed, err := sign(r.signer, a.JSON)
		if err != nil {
			return nil, err
		}
		all = append(all, signed)
	}
	return all, nil
}

// refresh asks the servers of which less is known than wanted.
func (r *Ring) refresh(ctx context.Context, wanted map[string]map[string]int64) {
	now := r.opt.Now().UnixMilli()
	lacking := map[string]string{}
	for server, ids := range wanted {
		if server == r.signer.Server() || !r.mayAsk(server, 0, false) {
			continue
		}
		keys, err := r.knownKeys(ctx, server)
		if err != nil {
			continue // the answers are not to be had either
		}
		if len(ids) == 0 {
			ids = map[string]int64{"": now}
		}
		for id, until := range ids {
			if until == 0 {
				until = now
			}
			if !covers(keys, id, until) {
				lacking[server] = id
			}
		}
	}
	r.askAll(ctx, lacking)
}

// covers reports whether a key, or any when id is empty, is good until a time.
func covers(keys map[string]key, id string, until int64) bool {
	for name, k := range keys {
		if (id == "" || id == name) && k.validUntil >= until {
			return true
		}
	}
	return false
}
