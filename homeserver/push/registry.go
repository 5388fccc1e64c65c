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
	// waits holds what pushers wait for that are not told anything yet.
	waits map[pusherKey]*store.Activation
	told  map[pusherKey]*store.Activation // what was sent of that, in this process
}

type pusherKey struct {
	user       id.UserID
	appID, key string
}

func newPushers() *pushers {
	return &pushers{
		of: map[id.UserID]map[pusherKey]*store.Pusher{}, gone: map[pusherKey]bool{}, waits: map[pusherKey]*store.Activation{}, told: map[pusherKey]*store.Activation{},
	}
}

func keyOfPusher(p *store.Pusher) pusherKey { return pusherKey{p.User, p.AppID, p.Key} }

// load reads the pushers from the database. What changed meanwhile is newer
// and stays.
func (r *pushers) load(ctx context.Context, db *storage.DB) error {
	var list []store.Pusher
	var waiting []store.Activation
	err := db.Read(ctx, func(tx *storage.Tx) (err error) {
		if list, err = store.Pushers(ctx, tx); err != nil {
			return err
		}
		waiting, err = store.Activations(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	waits := map[pusherKey]*store.Activation{}
	for i := range waiting {
		waits[pusherKey{waiting[i].User, waiting[i].AppID, waiting[i].Key}] = &waiting[i]
	}
	for i := range list {
		key := keyOfPusher(&list[i])
		if r.of[key.user][key] == nil && !r.gone[key] {
			if a := waits[key]; a != nil {
				r.waits[key] = a
			}
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
	delete(r.waits, key)
	delete(r.told, key)
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

// list returns the pushers of a user that are to notify them: not those that
// are switched off, or wait for something.
func (r *pushers) list(user id.UserID) []*store.Pusher {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*store.Pusher
	for _, p := range r.of[user] {
		if p.Enabled && r.waits[keyOfPusher(p)] == nil {
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

// all returns all pushers of a user, those that are not told anything too.
func (r *pushers) all(user id.UserID) []*store.Pusher {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.of[user]))
}

// wait takes over what a pusher waits for; nil: nothing any more.
func (r *pushers) wait(key pusherKey, a *store.Activation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a == nil {
		delete(r.waits, key)
		delete(r.told, key)
		return
	}
	r.waits[key] = a
}

// waitsFor returns what a pusher waits for, nil when for nothing.
func (r *pushers) waitsFor(key pusherKey) *store.Activation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits[key]
}

// untold reports whether a pusher waits for a and was not sent it.
func (r *pushers) untold(key pusherKey, a *store.Activation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits[key] == a && r.told[key] != a
}

// tell notes that a pusher was sent what it waits for.
func (r *pushers) tell(key pusherKey, a *store.Activation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waits[key] == a {
		r.told[key] = a
	}
}

func (r *pushers) isWaiting(key pusherKey) bool { return r.waitsFor(key) != nil }
