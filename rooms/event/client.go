package event

import "strconv"

// AppendClient appends the form of p that clients see, without room_id and
// unsigned, which depend on who asks and where.
//
// Spec: client-server-api#room-event-format
func AppendClient(dst []byte, p *PDU) []byte {
	dst = append(append(dst, `{"content":`...), p.Content...)
	dst = appendString(append(dst, `,"event_id":`...), string(p.ID))
	dst = strconv.AppendInt(append(dst, `,"origin_server_ts":`...), p.TS, 10)
	// Clients of before version 11 look for redacts at the top in every room.
	if p.Redacts != "" {
		dst = appendString(append(dst, `,"redacts":`...), string(p.Redacts))
	}
	dst = appendString(append(dst, `,"sender":`...), string(p.Sender))
	if p.StateKey != nil {
		dst = appendString(append(dst, `,"state_key":`...), *p.StateKey)
	}
	dst = appendString(append(dst, `,"type":`...), p.Type)
	return append(dst, '}')
}
