package event

import (
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

var errFormat = errors.New("not an event of this room version")

// ParseTrusted reads an event of our own store, whose id is known. The PDU
// shares memory with canonical, which nobody may change afterwards.
func ParseTrusted(rules *Rules, canonical []byte, ev id.EventID) (*PDU, error) {
	return read(rules, canonical, ev)
}

// Parse reads an event that another server sent. It checks format, sizes and
// the content hash; where the hash is wrong, the PDU is the redacted form.
// Signatures are not checked: see Verify.
//
// Spec: server-server-api#checks-performed-on-receipt-of-a-pdu, steps 1 and 3
func Parse(rules *Rules, raw []byte) (*PDU, error) {
	canonical, err := AppendCanonical(make([]byte, 0, len(raw)), raw, rules.StrictJSON)
	if err != nil {
		return nil, &matrix.Error{Code: matrix.BadJSON, Text: "The event is refused: " + err.Error() + ".", Err: err}
	}
	if canonical[0] != '{' {
		return nil, badFormat("an event is an object")
	}
	canonical = appendWithout(make([]byte, 0, len(canonical)), canonical, rules.foreign()...)
	if len(canonical) > MaxPDU {
		return nil, errTooLarge()
	}
	if !hashFits(canonical) {
		canonical = appendRedacted(nil, rules, canonical, true)
	}
	p, err := read(rules, canonical, "")
	if err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// foreign names members that are no part of an event. Some servers have sent
// the last three by accident, and nobody counts them into the hash.
func (r *Rules) foreign() []string {
	names := []string{"unsigned", "age_ts", "destinations", "outlier", "event_id"}
	if r.IDs == OwnID {
		return names[:4]
	}
	return names
}

func badFormat(text string) error {
	return &matrix.Error{Code: matrix.BadJSON, Text: "The event is refused: " + text + ".", Err: errFormat}
}

// check checks the values of what has been read.
func (p *PDU) check() error {
	if err := p.checkNames(p.Rules.nameLength()); err != nil {
		return err
	}
	switch {
	case !ValidUser(string(p.Sender)):
		return badFormat("sender is no user id")
	case len(p.Room) < 2 || p.Room[0] != '!':
		return badFormat("room_id is no room id")
	case len(p.ID) < 2 || p.ID[0] != '$':
		return badFormat("event_id is no event id")
	case p.Depth < 0:
		return badFormat("depth is negative")
	case len(p.Prev) > MaxPrev || len(p.Auth) > MaxAuth:
		return badFormat("too many prev_events or auth_events")
	}
	return nil
}
