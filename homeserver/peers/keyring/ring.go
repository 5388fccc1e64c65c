package keyring

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/serverkeys"
)

// Fetcher asks other servers about keys. peers.Client is one.
type Fetcher interface {
	// ServerKeys returns what a server says of its own keys.
	ServerKeys(ctx context.Context, server string) (json.RawMessage, error)
	// NotaryKeys returns what notary knows of others' keys: by server and key,
	// until when (in milliseconds) a key has to be valid.
	NotaryKeys(ctx context.Context, notary string, wanted map[string]map[string]int64) ([]json.RawMessage, error)
	// Allowed reports whether we speak to server at all.
	Allowed(server string) bool
}

// Options are what a Ring works with.
type Options struct {
	Notaries []string         // who is asked about the keys of servers that do not answer
	Now      func() time.Time // nil: time.Now
}

var (
	// ErrUnknown is in the chain of errors about keys that their server does
	// not have, as far as we know.
	ErrUnknown = errors.New("the key is not known")
	// ErrExpired is in the chain of errors about keys that were not valid at
	// the time asked for.
	ErrExpired = errors.New("the key was not valid then")
)

const (
	maxServers = 20_000 // whose keys are kept in memory
	fetches    = 64     // at the same time
	fetchTime  = 90 * time.Second
	// askAgain is how long a server is not asked again after it was, whatever
	// came of it: who makes up key ids makes no work for others.
	askAgain = 30 * time.Second
)

// Ring knows the keys of servers. It is safe for use by many goroutines.
type Ring struct {
	store  *serverkeys.Store
	signer *event.Signer
	fetch  Fetcher
	opt    Options
	log    *slog.Logger

	known  *lru.Cache[string, map[string]key] // by server; the maps do not change
	asked  *lru.Cache[string, time.Time]      // when a server was asked last
	flight singleflight.Group
	turns  *semaphore.Weighted

	ownMu    sync.Mutex
	own      json.RawMessage
	ownUntil time.Time // when own is made anew
}

// New returns the keys in db, with those of signer as our own.
func New(db *storage.DB, signer *event.Signer, fetch Fetcher, opt Options, log *slog.Logger) (*Ring, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	r := &Ring{store: serverkeys.New(db), signer: signer, fetch: fetch, opt: opt, log: log, turns: semaphore.NewWeighted(fetches)}
	var errs [2]error
	r.known, errs[0] = lru.New[string, map[string]key](maxServers)
	r.asked, errs[1] = lru.New[string, time.Time](maxServers)
	return r, errors.Join(errs[:]...)
}

// Key returns a key of server, which is asked for it when it is not known.
// With strict the key has to have been valid at a time (in milliseconds), as
// room versions from 5 on demand of events; otherwise it may be any that the
// server has ever had.
//
// Spec: rooms/v5#signing-key-validity-period
func (r *Ring) Key(ctx context.Context, server, keyID string, at int64, strict bool) (ed25519.PublicKey, error) {
	if server == r.signer.Server() {
		return pick(r.ownKeys(), server, keyID, at, strict)
	}
	keys, err := r.knownKeys(ctx, server)
	if err != nil {
		return nil, err
	}
	public, missing := pick(keys, server, keyID, at, strict)
	if missing == nil || !r.mayAsk(server, at, strict) {
		return public, missing
	}
	if keys, err = r.ask(ctx, server, keyID); err != nil {
		return nil, fmt.Errorf("%w: %w", missing, err)
	}
	return pick(keys, server, keyID, at, strict)
}

// pick finds a key among those of a server.
func pick(keys map[string]key, server, keyID string, at int64, strict bool) (ed25519.PublicKey, error) {
	k, ok := keys[keyID]
	switch {
	case !ok:
		return nil, fmt.Errorf("key %s of %s: %w", keyID, server, ErrUnknown)
	case strict && at > k.validUntil:
		return nil, fmt.Errorf("key %s of %s: %w", keyID, server, ErrExpired)
	}
	return k.public, nil
}

// mayAsk reports whether asking a server may help: not when it was just asked,
// and not about a time for which no key can be good yet.
func (r *Ring) mayAsk(server string, at int64, strict bool) bool {
	now := r.opt.Now()
	if strict && at > now.Add(longestValidity).UnixMilli() {
		return false
	}
	last, ok := r.asked.Get(server)
	return (!ok || now.Sub(last) >= askAgain) && r.fetch.Allowed(server)
}

// knownKeys returns what memory or the database knows of a server's keys.
func (r *Ring) knownKeys(ctx context.Context, server string) (map[string]key, error) {
	if keys, ok := r.known.Get(server); ok {
		return keys, nil
	}
	if err := r.load(ctx, []string{server}); err != nil {
		return nil, err
	}
	keys, _ := r.known.Get(server)
	return keys, nil
}

// load reads what the database knows of servers. Of those that it does not
// know, memory then knows that there is nothing.
func (r *Ring) load(ctx context.Context, servers []string) error {
	rows, err := r.store.Keys(ctx, servers)
	if err != nil {
		return err
	}
	all := make(map[string]map[string]key, len(servers))
	for _, s := range servers {
		all[s] = map[string]key{}
	}
	for _, row := range rows {
		all[row.Server][row.ID] = key{row.Public, row.ValidUntil}
	}
	for server, keys := range all {
		r.known.ContainsOrAdd(server, keys) // what was fetched meanwhile is newer
	}
	return nil
}

// ask asks a server for its keys, or a notary, and returns all that are known
// then. Who asks at the same time shares the answer.
func (r *Ring) ask(ctx context.Context, server, keyID string) (map[string]key, error) {
	c := r.flight.DoChan(server, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		if err := r.turns.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		defer r.turns.Release(1)
		// In the end, so that who comes meanwhile waits for this answer.
		defer func() { r.asked.Add(server, r.opt.Now()) }()
		return r.askNow(ctx, server, keyID)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-c:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.(map[string]key), nil
	}
}

func (r *Ring) askNow(ctx context.Context, server, keyID string) (map[string]key, error) {
	raw, err := r.fetch.ServerKeys(ctx, server)
	if err == nil {
		var a answer
		if a, err = parse(server, raw, r.opt.Now()); err == nil {
			return r.keep(ctx, a)
		}
	}
	for _, notary := range r.opt.Notaries {
		if notary == server || notary == r.signer.Server() {
			continue
		}
		a, notaryErr := r.askNotary(ctx, notary, server, keyID)
		if notaryErr == nil {
			return r.keep(ctx, a)
		}
		err = errors.Join(err, notaryErr)
	}
	return nil, err
}

// askNotary asks another server what it knows of the keys of server.
func (r *Ring) askNotary(ctx context.Context, notary, server, keyID string) (answer, error) {
	all, err := r.fetch.NotaryKeys(ctx, notary, map[string]map[string]int64{server: {keyID: 0}})
	if err != nil {
		return answer{}, err
	}
	err = fmt.Errorf("notary %s: %w", notary, ErrUnknown)
	for _, raw := range all[:min(len(all), 8)] {
		var a answer
		if a, err = parse(server, raw, r.opt.Now()); err != nil {
			continue
		}
		if err = r.vouched(ctx, notary, raw); err == nil {
			return a, nil
		}
	}
	return answer{}, err
}

// vouched checks the signature of a notary.
func (r *Ring) vouched(ctx context.Context, notary string, raw json.RawMessage) error {
	var w wireAnswer
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	message, err := event.SignedBytes(raw)
	if err != nil {
		return err
	}
	for keyID, signature := range w.Signatures[notary] {
		public, err := r.Key(ctx, notary, keyID, r.opt.Now().UnixMilli(), true)
		if err == nil && verifies(public, message, signature) {
			return nil
		}
	}
	return errSignature
}

// keep stores an answer, and returns all that is known of its server then.
func (r *Ring) keep(ctx context.Context, a answer) (map[string]key, error) {
	before, err := r.knownKeys(ctx, a.server)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(before)
	if all == nil {
		all = map[string]key{}
	}
	rows := make([]serverkeys.Key, 0, len(a.keys))
	for id, k := range a.keys {
		if old, ok := all[id]; ok && !old.public.Equal(k.public) && r.opt.Now().UnixMilli() < old.validUntil {
			// A name stands for one key for as long as that is good.
			r.log.LogAttrs(ctx, slog.LevelWarn, "a server has changed a key without changing its name", slog.String("server", a.server), slog.String("key", id))
			continue
		}
		if old := all[id]; len(all) >= maxKeys && old.public == nil {
			continue
		}
		all[id] = k
		rows = append(rows, serverkeys.Key{Server: a.server, ID: id, Public: k.public, ValidUntil: k.validUntil})
	}
	err = r.store.Put(ctx, serverkeys.Answer{Server: a.server, Fetched: r.opt.Now().UnixMilli(), ValidUntil: a.validUntil, JSON: a.raw}, rows)
	if err != nil {
		return nil, err
	}
	r.known.Add(a.server, all)
	return all, nil
}
