package event

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"strconv"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Build makes the event of d: canonical, hashed, signed by s and with its id.
// That it is too large, or that its content is no object of canonical JSON,
// comes back as a *matrix.Error.
//
// Spec: server-server-api#adding-hashes-and-signatures-to-outgoing-events
func Build(rules *Rules, d Draft, s *Signer) (*PDU, error) {
	if err := checkDraft(&d); err != nil {
		return nil, err
	}
	p := &PDU{
		Room: d.Room, Sender: d.Sender, Type: d.Type, StateKey: d.StateKey, Redacts: d.Redacts,
		TS: d.TS, Sticky: d.Sticky, Depth: d.Depth, Prev: d.Prev, Auth: d.Auth, Rules: rules,
	}
	if rules.IDs == OwnID {
		p.ID = id.EventID("$" + rand.Text() + ":" + s.server)
	}
	w := writer{rules: rules, draft: &d, id: p.ID, signer: s}
	if err := w.write(); err != nil {
		return nil, err
	}
	sum := w.seal()
	p.JSON, p.Content = w.json, w.json[w.content.from:w.content.to:w.content.to]
	if rules.IDs != OwnID {
		p.ID = hashID(rules, sum)
	}
	if p.Room == "" {
		p.Room = roomOf(p.ID)
	}
	return p, nil
}

// roomOf names the room that a create event of version 12 makes.
//
// Spec: rooms/v12#event-format
func roomOf(create id.EventID) id.RoomID {
	return id.RoomID("!" + create[1:])
}

// section is a part of an event's JSON.
type section struct{ from, to int }

// writer writes the JSON of one event. The hash and the signature are left
// blank at first: their lengths are known, and other members follow them.
type writer struct {
	rules  *Rules
	draft  *Draft
	id     id.EventID // of versions 1 and 2
	signer *Signer

	json                []byte
	content             section
	hash, signature     section // in base64
	hashes              section // with the comma before, like the two below
	sticky              section
	redacts, signatures section
}

// write writes all members in canonical order.
func (w *writer) write() (err error) {
	d, b := w.draft, make([]byte, 0, w.size())
	b = w.appendRefs(append(b, `{"auth_events":`...), d.Auth)
	if b, err = w.appendContent(append(b, `,"content":`...)); err != nil {
		return err
	}
	b = strconv.AppendInt(append(b, `,"depth":`...), d.Depth, 10)
	if w.id != "" {
		b = appendString(append(b, `,"event_id":`...), w.id)
	}
	b = w.appendHashes(b)
	b = w.appendSticky(b)
	b = strconv.AppendInt(append(b, `,"origin_server_ts":`...), d.TS, 10)
	b = w.appendRefs(append(b, `,"prev_events":`...), d.Prev)
	b = w.appendRedacts(b)
	if d.Room != "" {
		b = appendString(append(b, `,"room_id":`...), d.Room)
	}
	b = appendString(append(b, `,"sender":`...), d.Sender)
	b = w.appendSignatures(b)
	if d.StateKey != nil {
		b = appendString(append(b, `,"state_key":`...), *d.StateKey)
	}
	b = appendString(append(b, `,"type":`...), d.Type)
	w.json = append(b, '}')
	if len(w.json) > MaxPDU {
		return errTooLarge()
	}
	return nil
}

// size estimates the length of the event.
func (w *writer) size() int {
	d, key := w.draft, 0
	if d.StateKey != nil {
		key = len(*d.StateKey)
	}
	refs := len(d.Auth) + len(d.Prev)
	if w.rules.IDs == OwnID {
		refs *= 3
	}
	return 480 + len(d.Content) + 64*refs + len(d.Room) + len(d.Sender) + len(d.Type) + key + len(w.signer.open)
}

// appendContent appends the content, which clients wrote.
func (w *writer) appendContent(b []byte) ([]byte, error) {
	raw := []byte(w.draft.Content)
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	w.content.from = len(b)
	b, err := AppendCanonical(b, raw, w.rules.StrictJSON)
	switch {
	case err != nil:
		return nil, &matrix.Error{Code: matrix.BadJSON, Text: "The content is refused: " + err.Error() + ".", Err: err}
	case b[w.content.from] != '{':
		return nil, matrix.Errorf(matrix.BadJSON, "The content has to be an object.")
	case w.draft.Redacts != "" && w.rules.Redaction.RedactsInContent:
		b = w.appendTarget(b)
	}
	w.content.to = len(b)
	return b, nil
}

// appendTarget puts what the event redacts into the content at the end of b.
func (w *writer) appendTarget(b []byte) []byte {
	content := bytes.Clone(b[w.content.from:])
	b = append(b[:w.content.from], '{')
	written := false
	eachMember(content, func(name string, value gjson.Result) {
		if name >= "redacts" && !written {
			b = appendString(appendMember(b, "redacts", ""), w.draft.Redacts)
			written = true
		}
		if name != "redacts" {
			b = appendMember(b, name, value.Raw)
		}
	})
	if !written {
		b = appendString(appendMember(b, "redacts", ""), w.draft.Redacts)
	}
	return append(b, '}')
}

func (w *writer) appendHashes(b []byte) []byte {
	w.hashes.from = len(b)
	b = append(b, `,"hashes":{"sha256":"`...)
	b, w.hash = appendBlank(b, hashSize)
	b = append(b, `"}`...)
	w.hashes.to = len(b)
	return b
}

// appendSticky says for how long the event is sticky. Like redacts of old, that
// does not survive a redaction.
func (w *writer) appendSticky(b []byte) []byte {
	w.sticky.from = len(b)
	if w.draft.Sticky > 0 {
		b = appendStickiness(b, w.draft.Sticky)
	}
	w.sticky.to = len(b)
	return b
}

func (w *writer) appendRedacts(b []byte) []byte {
	w.redacts.from = len(b)
	if w.draft.Redacts != "" && !w.rules.Redaction.RedactsInContent {
		b = appendString(append(b, `,"redacts":`...), w.draft.Redacts)
	}
	w.redacts.to = len(b)
	return b
}

func (w *writer) appendSignatures(b []byte) []byte {
	w.signatures.from = len(b)
	b, w.signature = appendBlank(append(b, w.signer.open...), signatureSize)
	b = append(b, `"}}`...)
	w.signatures.to = len(b)
	return b
}

func appendBlank(b []byte, n int) ([]byte, section) {
	from := len(b)
	b = append(b, make([]byte, n)...)
	return b, section{from, len(b)}
}

// appendRefs appends the ids of events, in versions 1 and 2 with their hashes.
//
// Spec: rooms/v1#event-format
func (w *writer) appendRefs(b []byte, ids []id.EventID) []byte {
	b = append(b, '[')
	for i, ev := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		if w.rules.IDs != OwnID {
			b = appendString(b, ev)
			continue
		}
		b = append(appendString(append(b, '['), ev), `,{"sha256":"`...)
		if w.draft.Hash != nil {
			if sum, ok := w.draft.Hash(ev); ok {
				b = base64Bytes.AppendEncode(b, sum[:])
			}
		}
		b = append(b, `"}]`...)
	}
	return append(b, ']')
}

// seal fills in the content hash and the signature, and returns the reference
// hash, which is over the same bytes as the signature.
func (w *writer) seal() [sha256.Size]byte {
	var few [smallEvent]byte
	j := w.json
	b := append(few[:0], j[:w.hashes.from]...)
	b = append(b, j[w.hashes.to:w.signatures.from]...)
	b = append(b, j[w.signatures.to:]...)
	sum := sha256.Sum256(b)
	base64Bytes.Encode(j[w.hash.from:w.hash.to], sum[:])

	b = append(few[:0], j[:w.content.from]...)
	b = appendRedactedContent(b, w.rules, w.draft.Type, parse(j[w.content.from:w.content.to]))
	b = append(b, j[w.content.to:w.sticky.from]...)
	b = append(b, j[w.sticky.to:w.redacts.from]...)
	b = append(b, j[w.redacts.to:w.signatures.from]...)
	b = append(b, j[w.signatures.to:]...)
	w.signer.sign(j[w.signature.from:w.signature.to], b)
	return sha256.Sum256(b)
}
