package matrix

import "maunium.net/go/mautrix/id"

// ListChange says that the devices or the keys of a user of this server have
// changed.
type ListChange struct {
	User id.UserID
	Pos  Position
	Prev Position // of the change before it; 0: it is the first
}
