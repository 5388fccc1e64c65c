package event

import (
	"errors"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

var errFormat = errors.New("not an event of this room version")

// ParseTrusted reads an event of our own store, whose id is known. The PDU
// shares memory with canonical, which nobody may change afterwards.
func ParseTrusted(rules *Rules, canonical []byte, ev id.EventID) (*PDU, error) {
	p := &PDU{ID: ev, JSON: canonical, Rules: rules}
	if err := p.read(); err != nil {
		return nil, err
	}
	return p, nil
}

// Parse reads an event that another server sent. It checks format, sizes and
// the content hash; where the hash is wrong, the PDU is the redacted form.
// Signatures are not checked: see Verify.
//
// Spec: server-server-api#checks-performed-on-receipt-of-a-pdu, steps 1 and 3
func Parse(rules *Rules, raw []byte) (*PDU, error) {
	canonical, err := AppendCanonical(make([]byte, 0, len(raw)), raw, rules.StrictJSON)
	if err != nil {
		return nil, &matrix.Error{Code: matrix.BadJSON, Text: "The event is " + err.Error() + ".", Err: err}
	}
	if canonical[0] != '{' {
		return nil, badFormat("an event is an object")
	}
	canonical = appendWithout(make([]byte, 0, len(canonical)), canonical, "unsigned")
	if len(canonical) > MaxPDU {
		return nil, errTooLarge()
	}
	if !hashFits(canonical) {
		canonical = appendRedacted(nil, rules, canonical, true)
	}
	p := &PDU{JSON: canonical, Rules: rules}
	if err := p.read(); err != nil {
		return nil, err
	}
	return p, nil
}

func badFormat(text string) *matrix.Error {
	return &matrix.Error{Code: matrix.BadJSON, Text: text, Err: errFormat}
}

func checkText(s string) error {
	if !utf8.ValidString(s) {
		return matrix.Errorf(matrix.BadJSON, "Names have to be valid UTF-8.")
	}
	return nil
}

// read fills in the fields of p from its JSON.
func (p *PDU) read() error {
	var ownID string
	eachMember(p.JSON, func(name, value string) {
		switch name {
		case "auth_events":
			p.Auth = readRefs(value)
		case "content":
			p.Content = []byte(value)
		case "depth":
			p.Depth = gjson.Parse(value).Int()
		case "event_id":
			ownID = gjson.Parse(value).Str
		case "origin_server_ts":
			p.TS = gjson.Parse(value).Int()
		case "prev_events":
			p.Prev = readRefs(value)
		case "redacts":
			p.Redacts = id.EventID(gjson.Parse(value).Str)
		case "room_id":
			p.Room = id.RoomID(gjson.Parse(value).Str)
		case "sender":
			p.Sender = id.UserID(gjson.Parse(value).Str)
		case "state_key":
			key := gjson.Parse(value).Str
			p.StateKey = &key
		case "type":
			p.Type = gjson.Parse(value).Str
		}
	})
	if p.Rules.Redaction.RedactsInContent {
		p.Redacts = ""
		if p.Type == "m.room.redaction" {
			p.Redacts = id.EventID(gjson.GetBytes(p.Content, "redacts").Str)
		}
	}
	if p.ID == "" {
		p.ID = id.EventID(ownID)
		if p.Rules.IDs != OwnID {
			p.ID = hashID(p.Rules, ReferenceHash(p.Rules, p.JSON))
		}
	}
	if p.Room == "" && p.Rules.Creators && len(p.ID) > 1 {
		p.Room = id.RoomID("!" + p.ID[1:])
	}
	return nil
}

// readRefs reads a list of ids, or of pairs of id and hash.
func readRefs(value string) []id.EventID {
	var out []id.EventID
	gjson.Parse(value).ForEach(func(_, v gjson.Result) bool {
		if v.IsArray() {
			v = v.Get("0")
		}
		out = append(out, id.EventID(v.Str))
		return true
	})
	return out
}
