package event

import (
	"crypto/sha256"
	"encoding/json"

	"maunium.net/go/mautrix/id"
)

// PDU is an event as servers exchange it. It is immutable.
//
// Spec: server-server-api#pdus
type PDU struct {
	ID       id.EventID
	Room     id.RoomID // of a create event of version 12: "!" and its own hash
	Sender   id.UserID
	Type     string
	StateKey *string         // nil for a message event
	Content  json.RawMessage // canonical
	Redacts  id.EventID      // of m.room.redaction: from the top level or the content, as the version says
	TS       int64           // ms since 1970, as the sender's server claims
	Sticky   int64           // ms for which the event is sticky; 0: it is not
	Depth    int64
	Prev     []id.EventID
	Auth     []id.EventID // as written: version 12 does not list the create event
	JSON     []byte       // canonical, with hashes and signatures, without unsigned
	Rules    *Rules
}

// Is reports whether p is the state event of typ and key.
func (p *PDU) Is(typ, key string) bool {
	return p.StateKey != nil && p.Type == typ && *p.StateKey == key
}

// Draft is an event before it is hashed and signed.
type Draft struct {
	Room     id.RoomID // empty for a create event of version 12
	Sender   id.UserID
	Type     string
	StateKey *string
	Content  json.RawMessage
	Redacts  id.EventID // written where the version wants it
	TS       int64
	Sticky   int64 // ms, up to MaxSticky; 0: an event like others
	Depth    int64
	Prev     []id.EventID
	Auth     []id.EventID
	// Hash returns the hash (see PDU.Hash) of an event of Prev or Auth, which
	// versions 1 and 2 write beside its id. Where it is missing the hash stays
	// empty, and nobody objects: in those versions ids do not depend on it.
	Hash func(id.EventID) (sum [sha256.Size]byte, ok bool)
}
