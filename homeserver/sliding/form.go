package sliding

// Form is the form in which a client asks and is answered.
type Form int

const (
	// Unstable is what clients spoke before sliding sync was accepted, at
	// /unstable/org.matrix.simplified_msc3575/sync.
	Unstable Form = iota
	// V4 is what was accepted, at /v4/sync.
	V4
)

// stripped names the state of a room that the user is not in yet.
func (f Form) stripped() string {
	if f == Unstable {
		return "invite_state"
	}
	return "stripped_state"
}

// expanded names the flag of a timeline that begins before what was told.
func (f Form) expanded() string {
	if f == Unstable {
		return "unstable_expanded_timeline"
	}
	return "expanded_timeline"
}

// counts reports whether rooms come with how much of them is unread.
func (f Form) counts() bool { return f == Unstable }

// operations reports whether lists come with the rooms that are in them.
func (f Form) operations() bool { return f == Unstable }

// standing reports whether rooms come with the membership of the user and the
// lists that they are in.
func (f Form) standing() bool { return f == V4 }

// removals reports whether the client is told that a name or an entry of the
// state is gone.
func (f Form) removals() bool { return f == V4 }
