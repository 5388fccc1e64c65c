package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"maunium.net/go/mautrix/id"
)

// maxPage is how many events one answer of history may have. More are not
// asked for, and not taken.
const maxPage = 200

// pageBytes is how many bytes such an answer may have: events have 64 KiB.
const pageBytes = maxPage * (64 << 10)

// arrays makes a call whose answer has arrays of events, by their names.
func (c *Client) arrays(ctx context.Context, k call, maxEvents int, into map[string]*[]json.RawMessage) error {
	resp, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := newDecoder(resp.Body, maxEvents)
	err = d.object(func(key string) (bool, error) {
		to, ok := into[key]
		if !ok {
			return false, nil
		}
		var err error
		*to, err = d.events()
		return true, err
	})
	if err != nil {
		return c.broken(ctx, k, err)
	}
	return nil
}

// State returns the state of a room before an event, and its auth chain.
//
// Spec: server-server-api#get_matrixfederationv1stateroomid
func (c *Client) State(ctx context.Context, server string, room id.RoomID, at id.EventID) (state, auth []json.RawMessage, err error) {
	k := call{server: server, path: path(v1+"/state", string(room)), query: url.Values{"event_id": {string(at)}}, large: true}
	err = c.arrays(ctx, k, c.opt.MaxEvents, map[string]*[]json.RawMessage{"pdus": &state, "auth_chain": &auth})
	if err != nil {
		return nil, nil, err
	}
	return state, auth, nil
}

// StateIDs is State with the ids of the events only.
//
// Spec: server-server-api#get_matrixfederationv1state_idsroomid
func (c *Client) StateIDs(ctx context.Context, server string, room id.RoomID, at id.EventID) (state, auth []id.EventID, err error) {
	k := call{server: server, path: path(v1+"/state_ids", string(room)), query: url.Values{"event_id": {string(at)}}, large: true}
	var a struct {
		State []id.EventID `json:"pdu_ids"`
		Auth  []id.EventID `json:"auth_chain_ids"`
	}
	if err := c.ask(ctx, k, &a); err != nil {
		return nil, nil, err
	}
	if len(a.State)+len(a.Auth) > c.opt.MaxEvents {
		return nil, nil, fmt.Errorf("state of %s: %w: more events than are taken", server, ErrAnswer)
	}
	return a.State, a.Auth, nil
}

// transaction is the form in which events come.
type transaction struct {
	PDUs []json.RawMessage `json:"pdus"`
}

// Event returns one event.
//
// Spec: server-server-api#get_matrixfederationv1eventeventid
func (c *Client) Event(ctx context.Context, server string, ev id.EventID) (json.RawMessage, error) {
	var a transaction
	if err := c.ask(ctx, call{server: server, path: path(v1+"/event", string(ev)), limit: 1 << 20}, &a); err != nil {
		return nil, err
	}
	if len(a.PDUs) != 1 || !isObject(a.PDUs[0]) {
		return nil, fmt.Errorf("event of %s: %w: not one event", server, ErrAnswer)
	}
	return a.PDUs[0], nil
}

// EventAuth returns the auth chain of an event.
//
// Spec: server-server-api#get_matrixfederationv1event_authroomideventid
func (c *Client) EventAuth(ctx context.Context, server string, room id.RoomID, ev id.EventID) (auth []json.RawMessage, err error) {
	k := call{server: server, path: path(v1+"/event_auth", string(room), string(ev)), large: true}
	err = c.arrays(ctx, k, c.opt.MaxEvents, map[string]*[]json.RawMessage{"auth_chain": &auth})
	return auth, err
}

// Backfill returns the events from and what came before them, limit events at
// most.
//
// Spec: server-server-api#get_matrixfederationv1backfillroomid
func (c *Client) Backfill(ctx context.Context, server string, room id.RoomID, from []id.EventID, limit int) (pdus []json.RawMessage, err error) {
	limit = min(max(limit, 1), maxPage)
	k := call{server: server, path: path(v1+"/backfill", string(room)), limit: pageBytes, query: url.Values{"limit": {strconv.Itoa(limit)}}}
	for _, ev := range from {
		k.query.Add("v", string(ev))
	}
	err = c.arrays(ctx, k, maxPage, map[string]*[]json.RawMessage{"pdus": &pdus})
	return pdus, err
}

// MissingEvents returns up to limit events that lie between those that are
// known and latest.
//
// Spec: server-server-api#post_matrixfederationv1get_missing_eventsroomid
func (c *Client) MissingEvents(ctx context.Context, server string, room id.RoomID, known, latest []id.EventID, limit int) (events []json.RawMessage, err error) {
	k := call{
		server: server, method: http.MethodPost, path: path(v1+"/get_missing_events", string(room)), limit: pageBytes,
		body: map[string]any{"earliest_events": list(known), "latest_events": list(latest), "limit": min(max(limit, 1), maxPage)},
	}
	err = c.arrays(ctx, k, maxPage, map[string]*[]json.RawMessage{"events": &events})
	return events, err
}

// list makes an array of JSON, which null is not.
func list(ids []id.EventID) []id.EventID {
	if ids == nil {
		return []id.EventID{}
	}
	return ids
}

// EventAt is an event near a time.
type EventAt struct {
	ID id.EventID `json:"event_id"`
	TS int64      `json:"origin_server_ts"`
}

// TimestampToEvent returns the event nearest to a time in milliseconds, before
// it (dir is "b") or after it ("f").
//
// Spec: server-server-api#get_matrixfederationv1timestamp_to_eventroomid
func (c *Client) TimestampToEvent(ctx context.Context, server string, room id.RoomID, ts int64, dir string) (a EventAt, err error) {
	k := call{server: server, path: path(v1+"/timestamp_to_event", string(room)), query: url.Values{"ts": {strconv.FormatInt(ts, 10)}, "dir": {dir}}}
	err = c.ask(ctx, k, &a)
	if err == nil && a.ID == "" {
		err = fmt.Errorf("event at a time of %s: %w: no event", server, ErrAnswer)
	}
	return a, err
}

// sendTime is how long a server may take for a transaction. Some answer only
// when they have found the events that they lack.
const sendTime = 2 * time.Minute

// Send delivers a transaction: body is an object with origin,
// origin_server_ts, pdus and edus. It returns what the server says is wrong
// with single events; those that it does not name were taken.
//
// Spec: server-server-api#put_matrixfederationv1sendtxnid
func (c *Client) Send(ctx context.Context, server, txn string, body json.RawMessage) (map[id.EventID]string, error) {
	var a struct {
		PDUs map[id.EventID]struct {
			Error string `json:"error"`
		} `json:"pdus"`
	}
	k := call{server: server, method: http.MethodPut, path: path(v1+"/send", txn), body: body, timeout: sendTime}
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.broken(ctx, k, err)
	}
	if json.Unmarshal(raw, &a) != nil {
		return nil, nil // it has taken the transaction: what it says beside that is for our log
	}
	refused := map[id.EventID]string{}
	for ev, result := range a.PDUs {
		if result.Error != "" {
			refused[ev] = shortened(result.Error, 500)
		}
	}
	return refused, nil
}
