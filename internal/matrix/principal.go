package matrix

import "maunium.net/go/mautrix/id"

// Position is a place in the server's one ordered log. Positions are issued in
// commit order, so that "everything after p" never skips. Zero is before all.
type Position int64

// Principal is who makes a request. The zero value is nobody.
type Principal struct {
	User       id.UserID
	Device     id.DeviceID // empty for an application service that names none
	Admin      bool
	Suspended  bool   // may read and leave, not write (M_USER_SUSPENDED)
	Appservice string // id of the registration when an application service asks
	Unlimited  bool   // no limits of rates count
}

// IsAnyone reports whether the request carries no identity.
func (p Principal) IsAnyone() bool { return p.User == "" }
