package peers

import (
	"encoding/json"
	"fmt"
	"io"
)

// JoinAnswer is the room as the server knows it that let somebody in.
type JoinAnswer struct {
	State, Auth    []json.RawMessage // the state before the join, and its auth chain
	Event          json.RawMessage   // the join as that server has signed it; nil: as it was sent
	MembersOmitted bool              // the state lacks members
	Servers        []string          // in the room; only together with MembersOmitted
	Origin         string
}

// maxEventBytes is how long an event may be with its unsigned part, for which
// the specification knows no limit. Longer ones are left out: they cannot be
// valid, and one of them must not keep people out of a room.
const maxEventBytes = 256 << 10

// decoder reads an object whose arrays of events are too large to be held
// twice.
type decoder struct {
	json *json.Decoder
	left int // events
}

func newDecoder(from io.Reader, maxEvents int) *decoder {
	return &decoder{json: json.NewDecoder(&squeezed{from: from}), left: maxEvents}
}

// object calls member for each member of the object that comes next. member
// reads the value, or returns false and it is passed over.
func (d *decoder) object(member func(key string) (bool, error)) error {
	if err := d.delim('{'); err != nil {
		return err
	}
	for d.json.More() {
		key, err := d.json.Token()
		if err != nil {
			return d.wrong(err)
		}
		name, _ := key.(string)
		taken, err := member(name)
		if err == nil && !taken {
			err = d.skip()
		}
		if err != nil {
			return d.wrong(err)
		}
	}
	return d.delim('}')
}

// skip passes over a value.
func (d *decoder) skip() error {
	for depth := 0; ; {
		t, err := d.json.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// events reads an array of objects, or null.
func (d *decoder) events() ([]json.RawMessage, error) {
	t, err := d.json.Token()
	if err != nil || t == nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, fmt.Errorf("%w: %v instead of an array", ErrAnswer, t)
	}
	var all []json.RawMessage
	for d.json.More() {
		if d.left--; d.left < 0 {
			return nil, fmt.Errorf("%w: more events than are taken", ErrAnswer)
		}
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return nil, err
		}
		if !isObject(raw) {
			return nil, fmt.Errorf("%w: an event that is no object", ErrAnswer)
		}
		if len(raw) <= maxEventBytes {
			all = append(all, raw)
		}
	}
	return all, d.delim(']')
}

func (d *decoder) delim(want json.Delim) error {
	t, err := d.json.Token()
	if err != nil {
		return d.wrong(err)
	}
	if t != want {
		return fmt.Errorf("%w: %v instead of %v", ErrAnswer, t, want)
	}
	return nil
}

// wrong marks errors of form as such. Others come from the connection.
func (d *decoder) wrong(err error) error {
	switch err.(type) {
	case *json.SyntaxError, *json.UnmarshalTypeError:
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return err
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
			err = d.json.Decode(&a.Event)
		case "members_omitted", "org.matrix.msc3706.partial_state":
			err = d.json.Decode(&a.MembersOmitted)
		case "servers_in_room", "org.matrix.msc3706.servers_in_room":
			err = d.json.Decode(&a.Servers)
		case "origin":
			err = d.json.Decode(&a.Origin)
		default:
			return false, nil
		}
		return true, err
	}
	return a, d.object(read)
}

// squeezed is JSON in which every run of white space is one byte long.
// json.Decoder goes through a run from its start each time that more of it
// comes, so that one of many megabytes would take it hours.
type squeezed struct {
	from                io.Reader
	space, text, escape bool // what the last byte was, or is in
}

// Read reads on.
func (s *squeezed) Read(p []byte) (int, error) {
	for {
		n, err := s.from.Read(p)
		n = s.squeeze(p[:n])
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// squeeze leaves out white space and returns how much is left.
func (s *squeezed) squeeze(p []byte) int {
	kept := 0
	for _, c := range p {
		space := !s.text && (c == ' ' || c == '\n' || c == '\t' || c == '\r')
		switch {
		case s.escape:
			s.escape = false
		case s.text && c == '\\':
			s.escape = true
		case c == '"':
			s.text = !s.text
		case space && s.space:
			continue
		}
		s.space = space
		p[kept] = c
		kept++
	}
	return kept
}
