package room

import (
	"cmp"
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/rooms"
)

func (a *API) spaceRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v1+"/rooms/{roomId}/hierarchy", httpx.User, spec+"get_matrixclientv1roomsroomidhierarchy", httpx.RateSearch, a.hierarchy),
		httpx.Get(v1+"/room_summary/{roomIdOrAlias}", httpx.Optional, spec+"get_matrixclientv1room_summaryroomidoralias", httpx.RateSearch, a.summary).
			Also("/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}",
				"/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary"),
	}
}

// summary is a room as spaces and previews show it.
type summary struct {
	Room          id.RoomID    `json:"room_id"`
	Name          string       `json:"name,omitempty"`
	Topic         string       `json:"topic,omitempty"`
	Avatar        string       `json:"avatar_url,omitempty"`
	Alias         id.RoomAlias `json:"canonical_alias,omitempty"`
	JoinRule      string       `json:"join_rule"`
	Allowed       []id.RoomID  `json:"allowed_room_ids,omitempty"`
	Type          string       `json:"room_type,omitempty"`
	Version       string       `json:"room_version"`
	Encryption    string       `json:"encryption,omitempty"`
	Joined        int          `json:"num_joined_members"`
	GuestCanJoin  bool         `json:"guest_can_join"`
	WorldReadable bool         `json:"world_readable"`
}

func summaryOf(s rooms.Summary) summary {
	return summary{
		Room: s.Room, Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Alias: s.Alias, JoinRule: s.JoinRule, Allowed: s.Allowed,
		Type: s.Type, Version: s.Version, Encryption: s.Encryption, Joined: s.Joined, GuestCanJoin: s.GuestCanJoin, WorldReadable: s.WorldReadable,
	}
}

type hierarchyRoom struct {
	summary
	Children []json.RawMessage `json:"children_state"`
}

type hierarchyResponse struct {
	Rooms []hierarchyRoom `json:"rooms"`
	Next  string          `json:"next_batch,omitempty"`
}

// hierarchy is GET /rooms/{roomId}/hierarchy.
func (a *API) hierarchy(ctx context.Context, r *httpx.Request[httpx.None]) (hierarchyResponse, error) {
	q := rooms.HierarchyQuery{From: r.Query("from")}
	var err error
	if q.Suggested, err = r.QueryBool("suggested_only"); err != nil {
		return hierarchyResponse{}, err
	}
	if q.Limit, err = r.QueryInt("limit", 0); err != nil {
		return hierarchyResponse{}, err
	}
	if q.MaxDepth, err = r.QueryInt("max_depth", -1); err != nil {
		return hierarchyResponse{}, err
	}
	list, next, err := a.rooms.Hierarchy(ctx, r.Principal, id.RoomID(r.Path("roomId")), q)
	if err != nil {
		return hierarchyResponse{}, err
	}
	out := hierarchyResponse{Rooms: make([]hierarchyRoom, len(list)), Next: next}
	for i, room := range list {
		out.Rooms[i] = hierarchyRoom{summaryOf(room.Summary), room.Children}
	}
	return out, nil
}

type summaryResponse struct {
	summary
	Membership string `json:"membership,omitempty"`
}

// summary is GET /room_summary/{roomIdOrAlias}.
func (a *API) summary(ctx context.Context, r *httpx.Request[httpx.None]) (summaryResponse, error) {
	room, via, err := target(ctx, a, r)
	if err != nil {
		return summaryResponse{}, err
	}
	s, membership, err := a.rooms.SummaryOf(ctx, r.Principal.User, room, via)
	if err != nil {
		return summaryResponse{}, err
	}
	out := summaryResponse{summary: summaryOf(s)}
	if r.Principal.User != "" {
		out.Membership = cmp.Or(membership, "leave")
	}
	return out, nil
}
