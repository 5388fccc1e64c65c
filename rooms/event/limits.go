package event

import "plenum/internal/matrix"

// Sizes that no event may exceed, in bytes.
//
// Spec: client-server-api#size-limits
const (
	MaxPDU  = 65536
	MaxName = 255 // sender, room id, state key, type, event id
)

func errTooLarge() *matrix.Error {
	return matrix.Errorf(matrix.TooLarge, "The event is larger than %d bytes.", MaxPDU)
}

// checkNames checks the lengths of the names of an event.
func checkNames(sender, room, typ string, stateKey *string, ev string) error {
	tooLong := func(what string) error {
		return matrix.Errorf(matrix.TooLarge, "The %s is longer than %d bytes.", what, MaxName)
	}
	switch {
	case len(sender) > MaxName:
		return tooLong("sender")
	case len(room) > MaxName:
		return tooLong("room id")
	case len(typ) > MaxName:
		return tooLong("event type")
	case stateKey != nil && len(*stateKey) > MaxName:
		return tooLong("state key")
	case len(ev) > MaxName:
		return tooLong("event id")
	}
	return nil
}

// checkDraft checks what is written unchanged into an event.
func checkDraft(rules *Rules, d *Draft) error {
	if err := checkNames(string(d.Sender), string(d.Room), d.Type, d.StateKey, ""); err != nil {
		return err
	}
	for _, s := range []string{string(d.Sender), string(d.Room), d.Type, string(d.Redacts)} {
		if err := checkText(s); err != nil {
			return err
		}
	}
	if d.StateKey != nil {
		return checkText(*d.StateKey)
	}
	return nil
}
