package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"plenum/internal/matrix"
)

const (
	saltBytes = 16
	sumBytes  = 32
)

// hasher makes and checks hashes of passwords, a few at a time: each takes a
// good piece of memory.
type hasher struct {
	cost  cost
	slots *semaphore.Weighted
	queue int64 // how many may wait or work
	busy  atomic.Int64
	decoy passwordHash // of no password
}

func newHasher(opt Passwords) *hasher {
	h := &hasher{
		cost:  cost{opt.Memory, opt.Passes, 1},
		slots: semaphore.NewWeighted(int64(opt.AtOnce)),
		queue: int64(opt.AtOnce + opt.Waiting),
	}
	h.decoy = passwordHash{cost: h.cost, salt: make([]byte, saltBytes), sum: make([]byte, sumBytes)}
	return h
}

// hash returns the hash of a password as it is stored.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	made := passwordHash{cost: h.cost, salt: make([]byte, saltBytes)}
	rand.Read(made.salt) // never fails
	var err error
	if made.sum, err = h.work(ctx, made, sumBytes, password); err != nil {
		return "", err
	}
	return made.String(), nil
}

// check reports whether stored is a hash of password, and whether it was made
// with another cost than that of today. For "", when there is no such account
// or no password, it does the same work and says no.
func (h *hasher) check(ctx context.Context, stored, password string) (ok, outdated bool, err error) {
	want := h.decoy
	if stored != "" {
		if want, err = parseHash(stored); err != nil {
			return false, false, err
		}
	}
	sum, err := h.work(ctx, want, len(want.sum), password)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, want.sum) == 1 && stored != ""
	return ok, ok && want.cost != h.cost, nil
}

// work hashes a password to n bytes when it is its turn.
func (h *hasher) work(ctx context.Context, like passwordHash, n int, password string) ([]byte, error) {
	defer h.busy.Add(-1)
	if h.busy.Add(1) > h.queue {
		return nil, &matrix.Error{Code: matrix.LimitExceeded, Text: "Too many people are signing in. Try again in a moment.", RetryAfter: 2 * time.Second}
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer h.slots.Release(1)
	// The same password may come in two forms from two keyboards.
	text := norm.NFC.Bytes([]byte(password))
	return argon2.IDKey(text, like.salt, like.passes, like.memory, like.lanes, uint32(n)), nil
}
