package sliding

import (
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/internal/matrix"
)

// Names with a meaning in the unstable form.
const (
	anything = "*"     // any type, or any state key
	lazy     = "$LAZY" // members as they are needed
	me       = "$ME"   // the user who asks
)

// pairs is wanted state in the unstable form: types and state keys.
type pairs [][]string

func (p pairs) wanted(user id.UserID) (out sliding.State, err error) {
	for _, pair := range p {
		if len(pair) != 2 {
			return out, matrix.Errorf(matrix.BadJSON, "An entry of required_state must be a type and a state key.")
		}
		typ, key := pair[0], pair[1]
		switch key {
		case lazy:
			out.LazyMembers = out.LazyMembers || typ == "m.room.member"
			continue
		case me:
			key = string(user)
		}
		out.Include = append(out.Include, sliding.Entry{Type: unlessAny(typ), Key: unlessAny(key)})
	}
	return out, nil
}

func unlessAny(name string) *string {
	if name == anything {
		return nil
	}
	return &name
}

// elements is wanted state in the accepted form.
type elements struct {
	Include     []element `json:"include"`
	Exclude     []element `json:"exclude"`
	LazyMembers bool      `json:"lazy_members"`
}

// element stands for entries of a room's state; what is left out, for any.
type element struct {
	Type     *string `json:"type"`
	StateKey *string `json:"state_key"`
}

func (e elements) wanted(id.UserID) (sliding.State, error) {
	return sliding.State{Include: entries(e.Include), Exclude: entries(e.Exclude), LazyMembers: e.LazyMembers}, nil
}

func entries(list []element) []sliding.Entry {
	out := make([]sliding.Entry, len(list))
	for i, e := range list {
		out[i] = sliding.Entry{Type: e.Type, Key: e.StateKey}
	}
	return out
}
