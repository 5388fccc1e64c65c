package userdata

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) threadRoutes() []httpx.Route {
	const thread = "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{threadRootId}/subscription"
	return []httpx.Route{
		httpx.Get(thread, httpx.User, "MSC4306", httpx.RateDefault, a.subscription),
		httpx.Put(thread, httpx.User, "MSC4306", httpx.RateDefault, a.subscribe),
		httpx.Delete(thread, httpx.User, "MSC4306", httpx.RateDefault, a.unsubscribe),
		httpx.Get("/_matrix/client/unstable/io.element.msc4308/thread_subscriptions", httpx.User, "MSC4308", httpx.RateDefault, a.subscriptions),
	}
}

// thread returns the thread that the path names.
func thread[T any](r *httpx.Request[T]) (id.RoomID, id.EventID, error) {
	root := id.EventID(r.Path("threadRootId"))
	if len(root) < 2 || root[0] != '$' {
		return "", "", matrix.Errorf(matrix.InvalidParam, "%q is not the id of an event.", root)
	}
	return room(r), root, nil
}

type subscriptionResponse struct {
	Automatic bool `json:"automatic"`
}

// subscription is GET …/rooms/{roomId}/thread/{threadRootId}/subscription.
func (a *API) subscription(ctx context.Context, r *httpx.Request[httpx.None]) (subscriptionResponse, error) {
	in, root, err := thread(r)
	if err != nil {
		return subscriptionResponse{}, err
	}
	s, err := a.data.Subscription(ctx, r.Principal, in, root)
	if err != nil {
		return subscriptionResponse{}, err
	}
	return subscriptionResponse{s.Automatic}, nil
}

type subscribeRequest struct {
	Automatic *id.EventID `json:"automatic"`
}

// subscribe is PUT …/rooms/{roomId}/thread/{threadRootId}/subscription.
func (a *API) subscribe(ctx context.Context, r *httpx.Request[subscribeRequest]) (httpx.None, error) {
	in, root, err := thread(r)
	if err != nil {
		return httpx.None{}, err
	}
	var cause id.EventID
	if given := r.Body.Automatic; given != nil {
		if cause = *given; len(cause) < 2 || cause[0] != '$' {
			return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "automatic is the id of an event.")
		}
	}
	return httpx.None{}, a.data.Subscribe(ctx, r.Principal, in, root, cause)
}

// unsubscribe is DELETE …/rooms/{roomId}/thread/{threadRootId}/subscription.
func (a *API) unsubscribe(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	in, root, err := thread(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.Unsubscribe(ctx, r.Principal, in, root)
}

const (
	subscriptionsUsual = 100
	subscriptionsMost  = 512
)

type subscriptionsResponse struct {
	Subscribed   map[id.RoomID]map[id.EventID]subscribed   `json:"subscribed,omitempty"`
	Unsubscribed map[id.RoomID]map[id.EventID]unsubscribed `json:"unsubscribed,omitempty"`
	End          string                                    `json:"end,omitempty"`
}

type subscribed struct {
	Automatic bool            `json:"automatic"`
	Stamp     matrix.Position `json:"bump_stamp"`
}

type unsubscribed struct {
	Stamp matrix.Position `json:"bump_stamp"`
}

// subscriptions is GET /unstable/io.element.msc4308/thread_subscriptions.
func (a *API) subscriptions(ctx context.Context, r *httpx.Request[httpx.None]) (out subscriptionsResponse, err error) {
	if r.Query("dir") != "b" {
		return out, matrix.Errorf(matrix.InvalidParam, "dir has to be b.")
	}
	limit, err := r.QueryInt("limit", subscriptionsUsual)
	if err == nil && limit <= 0 {
		err = matrix.Errorf(matrix.InvalidParam, "limit has to be more than 0.")
	}
	if err != nil {
		return out, err
	}
	upto, after := a.data.Now(), matrix.Position(0)
	for name, pos := range map[string]*matrix.Position{"from": &upto, "to": &after} {
		if text := r.Query(name); text != "" {
			t, err := rooms.ParseToken(text)
			if err != nil {
				return out, err
			}
			*pos = t.Pos
		}
	}
	list, more, err := a.data.SubscriptionChanges(ctx, r.Principal.User, after, upto, min(limit, subscriptionsMost))
	if err == nil && more {
		out.End = rooms.Token{Pos: list[len(list)-1].Pos - 1}.Page()
	}
	out.fill(list)
	return out, err
}

func (out *subscriptionsResponse) fill(list []*userdata.Subscription) {
	for _, s := range list {
		if s.Subscribed {
			put(&out.Subscribed, s, subscribed{s.Automatic, s.Pos})
		} else {
			put(&out.Unsubscribed, s, unsubscribed{s.Pos})
		}
	}
}

func put[T any](threads *map[id.RoomID]map[id.EventID]T, s *userdata.Subscription, one T) {
	if *threads == nil {
		*threads = map[id.RoomID]map[id.EventID]T{}
	}
	if (*threads)[s.Room] == nil {
		(*threads)[s.Room] = map[id.EventID]T{}
	}
	(*threads)[s.Room][s.Root] = one
}
