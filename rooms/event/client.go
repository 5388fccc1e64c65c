package event

import (
	"strconv"

	"github.com/tidwall/gjson"
)

// AppendClient appends the form of p that clients see, a complete object
// without room_id and unsigned: those depend on who asks and where.
//
// Spec: client-server-api#room-event-format
func AppendClient(dst []byte, p *PDU) []byte {
	dst = appendClientContent(append(dst, `{"content":`...), p)
	dst = appendString(append(dst, `,"event_id":`...), p.ID)
	if p.Sticky > 0 {
		dst = appendStickiness(dst, p.Sticky)
	}
	dst = strconv.AppendInt(append(dst, `,"origin_server_ts":`...), p.TS, 10)
	if p.Redacts != "" {
		dst = appendString(append(dst, `,"redacts":`...), p.Redacts)
	}
	dst = appendString(append(dst, `,"sender":`...), p.Sender)
	if p.StateKey != nil {
		dst = appendString(append(dst, `,"state_key":`...), *p.StateKey)
	}
	dst = appendString(append(dst, `,"type":`...), p.Type)
	return append(dst, '}')
}

// appendClientContent appends the content. Clients look for what an event
// redacts in the content or at the top level, depending on their age and not
// on the room's, so that both have it in every version.
//
// Spec: rooms/v11#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property
func appendClientContent(dst []byte, p *PDU) []byte {
	if p.Redacts == "" || p.Rules.Redaction.RedactsInContent {
		return append(dst, p.Content...)
	}
	dst = append(dst, '{')
	eachMember(p.Content, func(name string, value gjson.Result) {
		if name != "redacts" {
			dst = appendMember(dst, name, value.Raw)
		}
	})
	dst = appendMember(dst, "redacts", "")
	return append(appendString(dst, p.Redacts), '}')
}
