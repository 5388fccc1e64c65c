package e2ee

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"
)

// Peers are other servers, as far as keys ask them something.
type Peers interface {
	// UserDevices returns all devices of a user of another server.
	UserDevices(ctx context.Context, user id.UserID) (*UserDevices, error)
	// QueryKeys returns the keys of users of server: of the devices named, or
	// of all where none is.
	QueryKeys(ctx context.Context, server string, users map[id.UserID][]id.DeviceID) (*ServedKeys, error)
	ClaimKeys(ctx context.Context, server string, claims Claims) (Claimed, error)
}

// UserDevices are the devices of a user, as one server tells another.
//
// Spec: server-server-api#get_matrixfederationv1userdevicesuserid
type UserDevices struct {
	User        id.UserID       `json:"user_id"`
	Stream      int64           `json:"stream_id"`
	Devices     []ServedDevice  `json:"devices"`
	Master      json.RawMessage `json:"master_key,omitempty"`
	SelfSigning json.RawMessage `json:"self_signing_key,omitempty"`
}

// ServedDevice is one of UserDevices.
type ServedDevice struct {
	ID   id.DeviceID     `json:"device_id"`
	Name string          `json:"device_display_name,omitempty"`
	Keys json.RawMessage `json:"keys"`
}

// ServedKeys are keys, as one server tells another.
//
// Spec: server-server-api#post_matrixfederationv1userkeysquery
type ServedKeys struct {
	Devices     map[id.UserID]map[id.DeviceID]json.RawMessage `json:"device_keys"`
	Master      map[id.UserID]json.RawMessage                 `json:"master_keys"`
	SelfSigning map[id.UserID]json.RawMessage                 `json:"self_signing_keys"`
}

const (
	askTime   = 10 * time.Second // how long a client waits for other servers
	askAtOnce = 32               // servers that are asked at the same time for one client
)

// eachServer calls fn for every server in parallel, and returns those for which
// it failed.
func eachServer[V any](ctx context.Context, servers map[string]V, fn func(ctx context.Context, server string, what V) error) map[string]struct{} {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	failed := map[string]struct{}{}
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, askAtOnce)
	for _, server := range slices.Sorted(maps.Keys(servers)) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if err := fn(ctx, server, servers[server]); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[server] = struct{}{}
			}
		})
	}
	all.Wait()
	return failed
}

// byServer sorts what is asked of users of other servers by server.
func byServer[M ~map[id.UserID]V, V any](users M, isLocal func(id.UserID) bool) map[string]M {
	out := map[string]M{}
	for user, v := range users {
		server := user.Homeserver()
		if isLocal(user) || server == "" {
			continue
		}
		if out[server] == nil {
			out[server] = M{}
		}
		out[server][user] = v
	}
	return out
}

// claimAbroad claims keys of users of other servers, and returns the servers
// that did not answer.
func (k *Keys) claimAbroad(ctx context.Context, claims Claims, out Claimed) map[string]struct{} {
	servers := byServer(claims, k.isLocal)
	if k.opt.Peers == nil {
		return eachServer(ctx, servers, func(context.Context, string, Claims) error { return errAlone })
	}
	var mu sync.Mutex
	return eachServer(ctx, servers, func(ctx context.Context, server string, wanted Claims) error {
		got, err := k.opt.Peers.ClaimKeys(ctx, server, wanted)
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(out, got)
		return err
	})
}

// turns lets one caller at a time do something about a server.
type turns struct {
	mu  sync.Mutex
	now map[string]*turn
}

type turn struct {
	waiting int
	free    chan struct{}
}

// take waits for the turn. The caller calls done.
func (t *turns) take(ctx context.Context, server string) (done func(), err error) {
	t.mu.Lock()
	if t.now == nil {
		t.now = map[string]*turn{}
	}
	mine := t.now[server]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		t.now[server] = mine
	}
	mine.waiting++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(t.now, server)
		}
	}
	select {
	case mine.free <- struct{}{}:
		return func() { <-mine.free; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
