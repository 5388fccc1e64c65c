package account

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const (
	// guessEvery is how long one has to wait for one more wrong password.
	guessEvery = time.Minute
	// guessedAccounts bounds the accounts that wrong passwords are counted for.
	guessedAccounts = 10_000
)

// guesses slows down whoever tries out passwords, from however many places.
// It counts wrong ones for names without an account alike.
type guesses struct {
	limit int // at once; negative: any number
	now   func() time.Time

	mu    sync.Mutex
	until *lru.Cache[id.UserID, time.Time] // when all wrong ones are forgotten
}

func newGuesses(limit int, now func() time.Time) *guesses {
	until, err := lru.New[id.UserID, time.Time](guessedAccounts)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &guesses{limit: limit, now: now, until: until}
}

// take counts a password that is about to be tried. It returns
// M_LIMIT_EXCEEDED when there were too many.
func (g *guesses) take(user id.UserID) error {
	if g.limit < 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	until, _ := g.until.Get(user)
	if until.Before(now) {
		until = now
	}
	until = until.Add(guessEvery)
	if wait := until.Sub(now.Add(time.Duration(g.limit) * guessEvery)); wait > 0 {
		return &matrix.Error{Code: matrix.LimitExceeded, Text: "There were too many wrong passwords for this account. Wait a little.", RetryAfter: wait}
	}
	g.until.Add(user, until)
	return nil
}

// right takes back one that was not wrong.
func (g *guesses) right(user id.UserID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until, ok := g.until.Get(user); ok {
		g.until.Add(user, until.Add(-guessEvery))
	}
}
