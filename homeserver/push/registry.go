package push

import (
	"context"
	"maps"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// pushers are all pushers of this server, in memory.
type pushers struct {
	mu   sync.Mutex
	of   map[id.UserID]map[pusherKey]*store.Pusher
	gone map[pusherKey]bool // removed before they were loaded; nil from then on
}

type pusherKey struct {
	user       id.UserID
	appID, key string
}

func newPushers() *pushers {
	return &pushers{of: map[id.UserID]map[pusherKey]*store.Pusher{}, gone: map[pusherKey]bool{}}
}

func keyOfPusher(p *store.Pusher) pusherKey { return pusherKey{p.User, p.AppID, p.Key} }

// load reads the pushers from the database. What changed meanwhile is newer
// and stays.
func (r *pushers) load(ctx context.Context, db *storage.DB) error {
	var list []store.Pusher
	err := db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.Pushers(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		key := keyOfPusher(&list[i])
		if r.of[key.user][key] == nil && !r.gone[key] {
			r.add(&list[i])
		}
	}
	r.gone = nil
	return nil
}

// put takes over a committed pusher.
func (r *pushers) put(p *store.Pusher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.gone, keyOfPusher(p))
	r.add(p)
}

// add makes p known. The caller holds mu.
func (r *pushers) add(p *store.Pusher) {
	if r.of[p.User] == nil {
		r.of[p.User] = map[pusherKey]*store.Pusher{}
	}
	r.of[p.User][keyOfPusher(p)] = p
}

// remove forgets a pusher that was removed.
func (r *pushers) remove(key pusherKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone != nil {
		r.gone[key] = true
	}
	delete(r.of[key.user], key)
	if len(r.of[key.user]) == 0 {
		delete(r.of, key.user)
	}
}

// get returns a pusher, nil when it is gone or switched off.
func (r *pushers) get(key pusherKey) *store.Pusher {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.of[key.user][key]; p != nil && p.Enabled {
		return p
	}
	return nil
}

// list returns the pushers of a user that are to notify them.
func (r *pushers) list(user id.UserID) []*store.Pusher {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*store.Pusher
	for _, p := range r.of[user] {
		if p.Enabled {
			out = append(out, p)
		}
	}
	return out
}

// members returns the users with pushers who are in rm.
func (r *pushers) members(rm *rooms.Room) []id.UserID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []id.UserID
	if len(r.of) < rm.MemberCount("join") {
		for user := range r.of {
			if rm.MembershipOf(user) == "join" {
				out = append(out, user)
			}
		}
		return out
	}
	for _, user := range rm.Members("join") {
		if r.of[user] != nil {
			out = append(out, user)
		}
	}
	return out
}

// has reports whether user has a pusher.
func (r *pushers) has(user id.UserID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[user] != nil
}

// keys returns the keys of all pushers.
func (r *pushers) keys() []pusherKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []pusherKey
	for _, own := range r.of {
		out = slices.AppendSeq(out, maps.Keys(own))
	}
	return out
}
