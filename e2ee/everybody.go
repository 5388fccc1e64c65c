package e2ee

import (
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// ChangedBetween returns the users whose keys changed after since and up to
// upto, whoever has to do with them.
func (k *Keys) ChangedBetween(since, upto matrix.Position) []id.UserID {
	return k.news.between(since, upto)
}
