package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/servername"
)

// QueryProfile returns the profile of a user of another server, or one field
// of it.
//
// Spec: server-server-api#get_matrixfederationv1queryprofile
func (c *Client) QueryProfile(ctx context.Context, user id.UserID, field string) (map[string]json.RawMessage, error) {
	k := call{server: serverOf(string(user)), path: v1 + "/query/profile", query: url.Values{"user_id": {string(user)}}, limit: profileBytes, eager: true}
	if field != "" {
		k.query.Set("field", field)
	}
	var a map[string]json.RawMessage
	err := c.ask(ctx, k, &a)
	return a, err
}

// profileBytes is more than a profile may have, which is 64 KiB.
const profileBytes = 256 << 10

// serverOf returns the server in an identifier, or "".
func serverOf(identifier string) string {
	_, server, _ := strings.Cut(identifier, ":")
	return server
}

// QueryDirectory returns the room that an alias of another server points to,
// and servers that are in it.
//
// Spec: server-server-api#get_matrixfederationv1querydirectory
func (c *Client) QueryDirectory(ctx context.Context, server string, alias id.RoomAlias) (id.RoomID, []string, error) {
	var a struct {
		Room    id.RoomID `json:"room_id"`
		Servers []string  `json:"servers"`
	}
	k := call{server: server, path: v1 + "/query/directory", query: url.Values{"room_alias": {string(alias)}}, eager: true}
	if err := c.ask(ctx, k, &a); err != nil {
		return "", nil, err
	}
	if !strings.HasPrefix(string(a.Room), "!") || len(a.Room) > 255 {
		return "", nil, fmt.Errorf("directory of %s: %w: no room", server, ErrAnswer)
	}
	return a.Room, validServers(a.Servers), nil
}

// maxServers is how many servers an answer about a room may name.
const maxServers = 1000

func validServers(all []string) []string {
	var valid []string
	for _, s := range all[:min(len(all), maxServers)] {
		if servername.Valid(s) {
			valid = append(valid, s)
		}
	}
	return valid
}

// PublicRoomsQuery is what is asked of a directory of rooms.
type PublicRoomsQuery struct {
	Limit        int
	Since        string
	Filter       json.RawMessage // nil: none
	Instance     string          // of a bridge
	AllInstances bool
}

// PublicRooms is a page of a directory of rooms.
type PublicRooms struct {
	Chunk []json.RawMessage `json:"chunk"`
	Next  string            `json:"next_batch,omitempty"`
	Prev  string            `json:"prev_batch,omitempty"`
	Total *int64            `json:"total_room_count_estimate,omitempty"`
}

// PublicRooms returns a page of the directory of another server.
//
// Spec: server-server-api#get_matrixfederationv1publicrooms
// Spec: server-server-api#post_matrixfederationv1publicrooms
func (c *Client) PublicRooms(ctx context.Context, server string, q PublicRoomsQuery) (a PublicRooms, err error) {
	k := call{server: server, path: v1 + "/publicRooms", eager: true}
	if len(q.Filter) > 0 {
		k.method = http.MethodPost
		body := map[string]any{"filter": q.Filter}
		q.each(func(name, value string) { body[name] = value })
		if q.Limit > 0 {
			body["limit"] = q.Limit
		}
		if q.AllInstances {
			body["include_all_networks"] = true
		}
		k.body = body
	} else {
		k.query = url.Values{}
		q.each(k.query.Set)
		if q.Limit > 0 {
			k.query.Set("limit", strconv.Itoa(q.Limit))
		}
		if q.AllInstances {
			k.query.Set("include_all_networks", "true")
		}
	}
	err = c.ask(ctx, k, &a)
	if a.Chunk == nil {
		a.Chunk = []json.RawMessage{}
	}
	return a, err
}

// each calls fn for what is text.
func (q PublicRoomsQuery) each(fn func(name, value string)) {
	if q.Since != "" {
		fn("since", q.Since)
	}
	if q.Instance != "" {
		fn("third_party_instance_id", q.Instance)
	}
}

// Hierarchy is a room with those that belong to it, as a space has them.
type Hierarchy struct {
	Room         json.RawMessage   `json:"room"`
	Children     []json.RawMessage `json:"children"`
	Inaccessible []id.RoomID       `json:"inaccessible_children"`
}

// Hierarchy returns a space of which this server has nobody in.
//
// Spec: server-server-api#get_matrixfederationv1hierarchyroomid
func (c *Client) Hierarchy(ctx context.Context, server string, room id.RoomID, suggestedOnly bool) (a Hierarchy, err error) {
	k := call{server: server, path: path(v1+"/hierarchy", string(room)), eager: true, query: url.Values{"suggested_only": {strconv.FormatBool(suggestedOnly)}}}
	err = c.ask(ctx, k, &a)
	if err == nil && !isObject(a.Room) {
		err = fmt.Errorf("hierarchy of %s: %w: no room", server, ErrAnswer)
	}
	return a, err
}

// Version is what program another server is.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Version returns what program another server is.
//
// Spec: server-server-api#get_matrixfederationv1version
func (c *Client) Version(ctx context.Context, server string) (Version, error) {
	var a struct {
		Server Version `json:"server"`
	}
	err := c.ask(ctx, call{server: server, path: v1 + "/version", unsigned: true, limit: 64 << 10}, &a)
	return a.Server, err
}

// OpenIDUserInfo returns whose token it is. It is of another server.
//
// Spec: server-server-api#get_matrixfederationv1openiduserinfo
func (c *Client) OpenIDUserInfo(ctx context.Context, server, token string) (id.UserID, error) {
	var a struct {
		User id.UserID `json:"sub"`
	}
	k := call{server: server, path: v1 + "/openid/userinfo", unsigned: true, eager: true, limit: 64 << 10, query: url.Values{"access_token": {token}}}
	if err := c.ask(ctx, k, &a); err != nil {
		return "", err
	}
	if serverOf(string(a.User)) != server {
		return "", fmt.Errorf("user info of %s: %w: a user of another server", server, ErrAnswer)
	}
	return a.User, nil
}
