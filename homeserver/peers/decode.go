package peers

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/tidwall/gjson"
)

// JoinAnswer is the room as the server knows it that let somebody in.
type JoinAnswer struct {
	State, Auth    []json.RawMessage // the state before the join, and its auth chain
	Event          json.RawMessage   // the join as that server has signed it; nil: as it was sent
	MembersOmitted bool              // the state lacks members
	Servers        []string          // in the room; only together with MembersOmitted
	Origin         string
}

const (
	// maxEventBytes is how long an event may be with its unsigned part, for which
	// the specification knows no limit. Longer ones are left out: they cannot be
	// valid, and one of them must not keep people out of a room.
	maxEventBytes = 256 << 10
	// maxMemberBytes is how long other members of an answer may be.
	maxMemberBytes = 1 << 20
)

// decoder reads an object with arrays of events as it arrives, so that nothing
// is held but the events.
type decoder struct {
	split *splitter
	left  int // events
}

func newDecoder(from io.Reader, maxEvents int) *decoder {
	return &decoder{split: newSplitter(from), left: maxEvents}
}

// object calls member for each member of the object that comes next. member
// reads the value, or returns false and it is passed over.
func (d *decoder) object(member func(key string) (bool, error)) error {
	if err := d.split.expect('{'); err != nil {
		return err
	}
	if end, err := d.split.ended('}'); end || err != nil {
		return err
	}
	for {
		var key string
		if err := d.into(&key); err != nil {
			return err
		}
		if err := d.split.expect(':'); err != nil {
			return err
		}
		taken, err := member(key)
		if err == nil && !taken {
			_, err = d.split.value(0)
		}
		if err != nil {
			return err
		}
		if more, err := d.split.more('}'); !more || err != nil {
			return err
		}
	}
}

// events reads an array of objects, or null.
func (d *decoder) events() ([]json.RawMessage, error) {
	if c, err := d.split.peek(); err != nil || c == 'n' {
		var none []json.RawMessage
		return nil, d.into(&none)
	}
	if err := d.split.expect('['); err != nil {
		return nil, err
	}
	all := []json.RawMessage{}
	if end, err := d.split.ended(']'); end || err != nil {
		return all, err
	}
	for {
		if d.left--; d.left < 0 {
			return nil, fmt.Errorf("%w: more events than are taken", ErrAnswer)
		}
		raw, err := d.split.value(maxEventBytes)
		switch {
		case err != nil:
			return nil, err
		case raw == nil: // too long
		case raw[0] != '{' || !gjson.ValidBytes(raw):
			return nil, fmt.Errorf("%w: an event that is no object", ErrAnswer)
		default:
			all = append(all, raw)
		}
		if more, err := d.split.more(']'); !more || err != nil {
			return all, err
		}
	}
}

// into reads a value that is not large into v.
func (d *decoder) into(v any) error {
	raw, err := d.split.value(maxMemberBytes)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// decodeJoin reads the answer of send_join.
func decodeJoin(from io.Reader, maxEvents int) (*JoinAnswer, error) {
	d := newDecoder(from, maxEvents)
	a := new(JoinAnswer)
	read := func(key string) (_ bool, err error) {
		switch key {
		case "state":
			a.State, err = d.events()
		case "auth_chain":
			a.Auth, err = d.events()
		case "event":
			err = d.into(&a.Event)
		case "members_omitted", "org.matrix.msc3706.partial_state":
			err = d.into(&a.MembersOmitted)
		case "servers_in_room", "org.matrix.msc3706.servers_in_room":
			err = d.into(&a.Servers)
		case "origin":
			err = d.into(&a.Origin)
		default:
			return false, nil
		}
		return true, err
	}
	return a, d.object(read)
}
