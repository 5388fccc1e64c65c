package outbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/outbox"
)

// Limits of a transaction.
//
// Spec: server-server-api#transactions
const (
	maxEvents = 50
	maxEDUs   = 100
	maxMail   = 40 // EDUs, so that the rest has a place too
	maxLists  = 20 // users
)

// parcel is what one transaction brings. Of what has to arrive it names which;
// the rest, which is not worth sending twice, it holds.
type parcel struct {
	ts        int64
	events    []outbox.Ref
	fromRooms bool // events are the newest of their rooms, and not all there are
	overflew  int  // of the peer, when it was packed
	asked     bool // for messages between devices,
	counted   int  // of which that many waited,
	mails     int  // and which it brings at most that many of
	mailAfter matrix.Position
	lists     map[id.UserID]list
	passing   passing

	// When it is filled:
	txn      string
	listsAt  map[id.UserID]matrix.Position
	mailUpto matrix.Position
	mailed   int // that many messages
	empty    bool
}

// lasting reports whether something has to arrive.
func (c *parcel) lasting() bool { return len(c.events)+c.mailed+len(c.lists) > 0 }

// pack puts together what a peer gets next. The caller holds mu.
func (o *Outbox) pack(p *peer) *parcel {
	if p.failed != nil {
		return p.failed
	}
	c := &parcel{ts: o.opt.Now().UnixMilli(), overflew: p.overflew, mailAfter: p.mail.sent}
	most := cmp.Or(p.most, maxEvents)
	if len(p.rooms) > 0 {
		c.fromRooms = true
		c.events = oldest(p.rooms, most)
	} else {
		c.events = slices.Clone(p.queue[:min(len(p.queue), most)])
	}
	left := maxEDUs
	if p.mail.count > 0 {
		c.asked, c.counted, c.mails = true, p.mail.count, min(maxMail, most)
		left -= c.mails
	}
	for user, l := range p.lists {
		if len(c.lists) == maxLists {
			break
		}
		if c.lists == nil {
			c.lists = map[id.UserID]list{}
		}
		c.lists[user] = l
	}
	left -= len(c.lists)
	c.passing = o.takePassing(p, left)
	return c
}

// oldest returns the events of rooms that come first in the log.
func oldest(rooms map[id.RoomID]matrix.Position, most int) []outbox.Ref {
	all := make([]outbox.Ref, 0, len(rooms))
	for room, pos := range rooms {
		all = append(all, outbox.Ref{Pos: pos, Room: room})
	}
	slices.SortFunc(all, func(a, b outbox.Ref) int { return cmp.Compare(a.Pos, b.Pos) })
	return slices.Clip(all[:min(len(all), most)])
}

// fill reads what a parcel names, and returns the body of the transaction. It
// is canonical JSON, so that it can be signed as it is. The same content has
// the same transaction id, whenever it is sent.
func (o *Outbox) fill(ctx context.Context, server string, c *parcel) ([]byte, error) {
	sum := sha256.New()
	sum.Write([]byte(server))
	edus, err := o.fillEDUs(ctx, server, c)
	if err != nil {
		return nil, err
	}
	lasting := len(edus)
	for _, e := range edus {
		sum.Write(e.Content)
	}
	edus = append(edus, c.passing.edus...)
	positions := make([]matrix.Position, len(c.events))
	for i, ref := range c.events {
		positions[i] = ref.Pos
	}
	events, err := o.rooms.Events(ctx, positions)
	if err != nil {
		return nil, err
	}
	body := []byte(`{"edus":[`)
	for _, e := range edus {
		body = o.appendEDU(ctx, body, e)
	}
	name, err := json.Marshal(o.opt.ServerName)
	if err != nil {
		return nil, err
	}
	body = append(append(body, `],"origin":`...), name...)
	body = strconv.AppendInt(append(body, `,"origin_server_ts":`...), c.ts, 10)
	body = append(body, `,"pdus":[`...)
	n := 0
	for _, pos := range positions {
		e := events[pos]
		if e == nil {
			continue // it is gone from the log
		}
		if n++; n > 1 {
			body = append(body, ',')
		}
		body = append(body, e.PDU...)
		sum.Write([]byte(e.ID))
	}
	body = append(body, `]}`...)
	c.empty = n+len(edus) == 0
	c.txn = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:18])
	if n+lasting == 0 { // nothing that makes it one of a kind
		c.txn = strconv.FormatInt(c.ts, 36) + "." + strconv.FormatUint(o.stats.transactions.Load(), 36)
	}
	o.stats.events.Add(uint64(n))
	return body, nil
}

// fillEDUs reads messages to devices and device lists.
func (o *Outbox) fillEDUs(ctx context.Context, server string, c *parcel) ([]matrix.EDU, error) {
	var edus []matrix.EDU
	if c.mails > 0 {
		var mails []outbox.Mail
		err := o.db.Read(ctx, func(tx *storage.Tx) (err error) {
			mails, err = outbox.MailAfter(ctx, tx, server, c.mailAfter, c.mails)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, m := range mails {
			edus = append(edus, matrix.EDU{Type: "m.direct_to_device", Content: m.JSON})
			c.mailUpto = m.Pos
		}
		c.mails, c.mailed = len(mails), len(mails) // the same if it has to be repeated
	}
	c.listsAt = map[id.UserID]matrix.Position{}
	for _, user := range slices.Sorted(maps.Keys(c.lists)) {
		updates, upto, err := o.lists.ListUpdates(ctx, user, c.lists[user].since)
		if err != nil {
			return nil, err
		}
		if len(c.listsAt) > 0 && len(edus)+len(updates)+len(c.passing.edus) > maxEDUs {
			continue // with the next one
		}
		edus = append(edus, updates...)
		c.listsAt[user] = upto
	}
	return edus, nil
}

// appendEDU writes an EDU in canonical form. One that has no such form could
// not be signed, and would keep back everything after it.
func (o *Outbox) appendEDU(ctx context.Context, body []byte, e matrix.EDU) []byte {
	name, err := json.Marshal(e.Type)
	if err != nil {
		return body
	}
	raw := append(append([]byte(`[[{"content":`), e.Content...), `,"edu_type":`...)
	raw = append(append(raw, name...), `}]]`...) // as deep as it will be
	raw, err = event.AppendCanonical(nil, raw, false)
	if err != nil {
		o.log.LogAttrs(ctx, slog.LevelWarn, "a message cannot be sent to other servers", slog.String("type", e.Type), slog.Any("err", err))
		return body
	}
	if body[len(body)-1] != '[' {
		body = append(body, ',')
	}
	return append(body, raw[2:len(raw)-2]...)
}
