package accounts

import (
	"context"
	"sync"
	"sync/atomic"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// evictionSample is how many accounts are looked at to find one that was not
// used for long.
const evictionSample = 16

// entry is one account in memory. It never changes: another takes its place.
type entry struct {
	Account
	profile                Profile
	displayName, avatarURL string // of the profile
	tokens                 []*Token
	devices                []Device
	used                   atomic.Int64 // seconds since 1970
}

// touch notes that the entry is in use.
func (e *entry) touch(now int64) {
	if e.used.Load() != now {
		e.used.Store(now)
	}
}

// hot holds the accounts that are in use.
type hot struct {
	max int

	mu       sync.RWMutex
	accounts map[id.UserID]*entry
	tokens   map[Hash]*Token
	changes  uint64 // commits that made something here outdated
}

func newHot(limit int) *hot {
	return &hot{max: limit, accounts: map[id.UserID]*entry{}, tokens: map[Hash]*Token{}}
}

func (h *hot) account(user id.UserID) *entry {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.accounts[user]
}

func (h *hot) token(hash Hash) *Token {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.tokens[hash]
}

// moment is to be taken before reading what put is given.
func (h *hot) moment() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.changes
}

// put keeps e, unless something changed since moment: then e may be outdated,
// and it is read again next time.
func (h *hot) put(e *entry, moment uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changes != moment {
		return
	}
	h.remove(e.User)
	if len(h.accounts) >= h.max {
		h.evict()
	}
	h.accounts[e.User] = e
	for _, t := range e.tokens {
		h.tokens[t.hash] = t
	}
}

// forget drops an account that a commit has changed.
func (h *hot) forget(user id.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	h.remove(user)
}

// remove drops an account; the caller holds mu.
func (h *hot) remove(user id.UserID) {
	e := h.accounts[user]
	if e == nil {
		return
	}
	delete(h.accounts, user)
	for _, t := range e.tokens {
		delete(h.tokens, t.hash)
	}
}

// evict drops an account that was not used for long; the caller holds mu.
func (h *hot) evict() {
	var oldest *entry
	tried := 0
	for _, e := range h.accounts { // a sample of a random order is old enough
		if oldest == nil || e.used.Load() < oldest.used.Load() {
			oldest = e
		}
		if tried++; tried == evictionSample {
			break
		}
	}
	if oldest != nil {
		h.remove(oldest.User)
	}
}

// known returns an account from memory, or reads it into there. It is nil when
// there is none.
func (s *Store) known(ctx context.Context, user id.UserID) (e *entry, err error) {
	if !s.IsLocal(user) {
		return nil, nil
	}
	if e = s.hot.account(user); e != nil {
		e.touch(s.opt.Now().Unix())
		return e, nil
	}
	defer matrix.Wrap(&err, "account %s", user)
	moment := s.hot.moment()
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		e, err = s.read(ctx, tx, user)
		return err
	})
	if err == nil && e != nil {
		s.hot.put(e, moment)
	}
	return e, err
}

// read makes the entry of an account, nil when there is none.
func (s *Store) read(ctx context.Context, tx *storage.Tx, user id.UserID) (*entry, error) {
	acc, ok, err := s.Account(ctx, tx, user)
	if err != nil || !ok {
		return nil, err
	}
	e := &entry{Account: acc}
	e.Password = nil // which nobody needs often
	e.used.Store(s.opt.Now().Unix())
	rows, err := storage.Select[tokenRow](ctx, tx, tokensOf, user)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		e.tokens = append(e.tokens, newToken(e, row))
	}
	if e.devices, err = storage.Select[Device](ctx, tx, devicesOf, user); err != nil {
		return nil, err
	}
	e.profile, err = readProfile(ctx, tx, user)
	e.displayName, e.avatarURL = e.profile.Text(DisplayName), e.profile.Text(AvatarURL)
	return e, err
}

// Known returns an account from memory, and false when there is none.
func (s *Store) Known(ctx context.Context, user id.UserID) (Account, bool, error) {
	e, err := s.known(ctx, user)
	if err != nil || e == nil {
		return Account{}, false, err
	}
	return e.Account, true, nil
}
