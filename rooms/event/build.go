package event

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Build makes the event of d: canonical, hashed, signed by s and with its id.
// That it is too large, or its content no object of canonical JSON, comes back
// as a *matrix.Error.
//
// Spec: server-server-api#adding-hashes-and-signatures-to-outgoing-events
func Build(rules *Rules, d Draft, s *Signer) (*PDU, error) {
	if err := checkDraft(rules, &d); err != nil {
		return nil, err
	}
	content, err := draftContent(rules, &d)
	if err != nil {
		return nil, err
	}
	var ownID id.EventID
	if rules.IDs == OwnID {
		ownID = id.EventID("$" + rand.Text() + ":" + s.server)
	}
	e := assemble(rules, &d, content, ownID, s)
	p := &PDU{
		ID: ownID, Room: d.Room, Sender: d.Sender, Type: d.Type, StateKey: d.StateKey,
		Redacts: d.Redacts, TS: d.TS, Depth: d.Depth, Prev: d.Prev, Auth: d.Auth, Rules: rules,
	}
	sum := e.seal(rules, d.Type, s)
	p.JSON = e.json
	p.Content = e.json[e.content[0]:e.content[1]:e.content[1]]
	if len(p.JSON) > MaxPDU {
		return nil, errTooLarge()
	}
	if rules.IDs != OwnID {
		p.ID = hashID(rules, sum)
	}
	if p.Room == "" {
		p.Room = id.RoomID("!" + p.ID[1:])
	}
	return p, nil
}

// draftContent returns the canonical content of d, with what it redacts when
// the version wants it there.
func draftContent(rules *Rules, d *Draft) ([]byte, error) {
	raw := d.Content
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	content, err := AppendCanonical(make([]byte, 0, len(raw)), raw, rules.StrictJSON)
	if err != nil {
		return nil, &matrix.Error{Code: matrix.BadJSON, Text: "The content is " + err.Error() + ".", Err: err}
	}
	if content[0] != '{' {
		return nil, matrix.Errorf(matrix.BadJSON, "The content has to be an object.")
	}
	if d.Redacts == "" || !rules.Redaction.RedactsInContent {
		return content, nil
	}
	redacts, err := json.Marshal(d.Redacts)
	if err != nil {
		return nil, err
	}
	with := appendWithout(nil, content, "redacts")
	comma := ","
	if len(with) == 2 {
		comma = ""
	}
	with = append(append(append(with[:len(with)-1], comma+`"redacts":`...), redacts...), '}')
	return AppendCanonical(nil, with, rules.StrictJSON)
}

// assembled is the JSON of an event whose hash and signature are still blank.
// Their lengths are known, so that they can be filled in afterwards.
type assembled struct {
	json       []byte
	content    [2]int // from and to
	hashes     [2]int // with the comma before
	redacts    [2]int // with the comma before
	signatures [2]int // with the comma before
	hash       int    // where the hash goes
	signature  int    // where the signature goes
}

// assemble writes the members of an event in canonical order.
func assemble(rules *Rules, d *Draft, content []byte, ownID id.EventID, s *Signer) assembled {
	var e assembled
	b := make([]byte, 0, len(content)+64*(len(d.Prev)+len(d.Auth))+768)
	b = append(b, `{"auth_events":`...)
	b = appendRefs(b, rules, d.Auth, d.Hash)
	b = append(b, `,"content":`...)
	e.content[0] = len(b)
	b = append(b, content...)
	e.content[1] = len(b)
	b = strconv.AppendInt(append(b, `,"depth":`...), d.Depth, 10)
	if ownID != "" {
		b = appendString(append(b, `,"event_id":`...), string(ownID))
	}
	e.hashes[0] = len(b)
	b = append(b, `,"hashes":{"sha256":"`...)
	e.hash = len(b)
	b = append(b, make([]byte, hashSize)...)
	b = append(b, `"}`...)
	e.hashes[1] = len(b)
	b = strconv.AppendInt(append(b, `,"origin_server_ts":`...), d.TS, 10)
	b = append(b, `,"prev_events":`...)
	b = appendRefs(b, rules, d.Prev, d.Hash)
	e.redacts[0] = len(b)
	if d.Redacts != "" && !rules.Redaction.RedactsInContent {
		b = appendString(append(b, `,"redacts":`...), string(d.Redacts))
	}
	e.redacts[1] = len(b)
	if d.Room != "" {
		b = appendString(append(b, `,"room_id":`...), string(d.Room))
	}
	b = appendString(append(b, `,"sender":`...), string(d.Sender))
	e.signatures[0] = len(b)
	b = append(b, s.open...)
	e.signature = len(b)
	b = append(b, make([]byte, signatureSize)...)
	b = append(b, s.end...)
	e.signatures[1] = len(b)
	if d.StateKey != nil {
		b = appendString(append(b, `,"state_key":`...), *d.StateKey)
	}
	b = appendString(append(b, `,"type":`...), d.Type)
	e.json = append(b, '}')
	return e
}

// seal fills in the hash and the signature and returns the reference hash.
func (e *assembled) seal(rules *Rules, typ string, s *Signer) [sha256.Size]byte {
	var few [smallEvent]byte
	j := e.json
	b := append(few[:0], j[:e.hashes[0]]...)
	b = append(b, j[e.hashes[1]:e.signatures[0]]...)
	b = append(b, j[e.signatures[1]:]...)
	sum := sha256.Sum256(b)
	base64Bytes.Encode(j[e.hash:e.hash+hashSize], sum[:])

	b = append(few[:0], j[:e.content[0]]...)
	b = appendRedactedContent(b, rules, typ, string(j[e.content[0]:e.content[1]]))
	b = append(b, j[e.content[1]:e.redacts[0]]...)
	b = append(b, j[e.redacts[1]:e.signatures[0]]...)
	b = append(b, j[e.signatures[1]:]...)
	s.appendSignature(j[:e.signature], b)
	return sha256.Sum256(b)
}

// appendRefs appends the ids of events, in versions 1 and 2 with their hashes.
//
// Spec: rooms/v1#event-format
func appendRefs(dst []byte, rules *Rules, ids []id.EventID, hash func(id.EventID) ([sha256.Size]byte, bool)) []byte {
	dst = append(dst, '[')
	for i, ev := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		if rules.IDs != OwnID {
			dst = appendString(dst, string(ev))
			continue
		}
		dst = append(appendString(append(dst, '['), string(ev)), `,{"sha256":"`...)
		if hash != nil {
			if sum, ok := hash(ev); ok {
				dst = base64Bytes.AppendEncode(dst, sum[:])
			}
		}
		dst = append(dst, `"}]`...)
	}
	return append(dst, ']')
}
