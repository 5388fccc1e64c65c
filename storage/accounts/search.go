package accounts

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// candidate is an account and the name it shows, as JSON.
type candidate struct {
	User id.UserID
	Name []byte
}

// Every name is looked at: letters beyond ASCII have no case in SQL, and an
// index finds no words in the middle.
const candidates = `SELECT a.user_id, f.value FROM account a LEFT JOIN profile_field f ON f.user_id = a.user_id AND f.name = $1
	WHERE a.deactivated = 0 ORDER BY a.user_id`

// Search returns up to limit accounts in whose id or display name term occurs,
// whatever the case of its letters: those who are called so first, then those
// whose names begin with it.
func (s *Store) Search(ctx context.Context, term string, limit int) (_ []id.UserID, err error) {
	defer matrix.Wrap(&err, "search accounts")
	term = strings.ToLower(strings.TrimSpace(term))
	if term == "" || limit <= 0 {
		return nil, nil
	}
	var ranks [3][]id.UserID
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		ranks = [3][]id.UserID{}
		return storage.Each(ctx, tx, func(c candidate) error {
			if rank := c.rank(term); rank < len(ranks) && len(ranks[rank]) < limit {
				ranks[rank] = append(ranks[rank], c.User)
			}
			return nil
		}, candidates, DisplayName)
	})
	found := append(append(ranks[0], ranks[1]...), ranks[2]...)
	return found[:min(len(found), limit)], err
}

// rank tells how well the candidate fits: 0 is best, 3 is not at all.
func (c candidate) rank(term string) int {
	name := strings.ToLower(Profile{DisplayName: c.Name}.Text(DisplayName))
	full := strings.ToLower(string(c.User))
	local, _, _ := strings.Cut(strings.TrimPrefix(full, "@"), ":")
	best := 3
	for _, text := range []string{name, local, full} {
		switch {
		case text == term:
			best = 0
		case strings.HasPrefix(text, term):
			best = min(best, 1)
		case strings.Contains(text, term):
			best = min(best, 2)
		}
	}
	return best
}
