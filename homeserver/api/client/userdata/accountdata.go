package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
)

func (a *API) accountDataRoutes() []httpx.Route {
	const (
		global   = user + "/account_data/{type}"
		inRoom   = user + "/rooms/{roomId}/account_data/{type}"
		tags     = user + "/rooms/{roomId}/tags"
		unstable = "/_matrix/client/unstable/org.matrix.msc3391/user/{userId}"
	)
	return []httpx.Route{
		httpx.Get(global, httpx.User, spec+"get_matrixclientv3useruseridaccount_datatype", httpx.RateDefault, a.accountData),
		httpx.Put(global, httpx.User, spec+"put_matrixclientv3useruseridaccount_datatype", httpx.RateDefault, a.setAccountData),
		httpx.Get(inRoom, httpx.User, spec+"get_matrixclientv3useruseridroomsroomidaccount_datatype", httpx.RateDefault, a.accountData),
		httpx.Put(inRoom, httpx.User, spec+"put_matrixclientv3useruseridroomsroomidaccount_datatype", httpx.RateDefault, a.setAccountData),
		httpx.Delete(unstable+"/account_data/{type}", httpx.User, "msc3391", httpx.RateDefault, a.deleteAccountData),
		httpx.Delete(unstable+"/rooms/{roomId}/account_data/{type}", httpx.User, "msc3391", httpx.RateDefault, a.deleteAccountData),
		httpx.Get(tags, httpx.User, spec+"get_matrixclientv3useruseridroomsroomidtags", httpx.RateDefault, a.tags),
		httpx.Put(tags+"/{tag}", httpx.User, spec+"put_matrixclientv3useruseridroomsroomidtagstag", httpx.RateDefault, a.setTag),
		httpx.Delete(tags+"/{tag}", httpx.User, spec+"delete_matrixclientv3useruseridroomsroomidtagstag", httpx.RateDefault, a.deleteTag),
		httpx.Post(user+"/filter", httpx.User, spec+"post_matrixclientv3useruseridfilter", httpx.RateDefault, a.addFilter),
		httpx.Get(user+"/filter/{filterId}", httpx.User, spec+"get_matrixclientv3useruseridfilterfilterid", httpx.RateDefault, a.filter),
	}
}

// accountData is GET /user/{userId}[/rooms/{roomId}]/account_data/{type}.
func (a *API) accountData(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := self(r)
	if err != nil {
		return nil, err
	}
	content, err := a.data.AccountData(ctx, user, id.RoomID(r.Path("roomId")), r.Path("type"))
	return httpx.JSON(content), err
}

// setAccountData is PUT /user/{userId}[/rooms/{roomId}]/account_data/{type}.
func (a *API) setAccountData(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	user, err := self(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetAccountData(ctx, user, id.RoomID(r.Path("roomId")), r.Path("type"), r.Body)
}

// deleteAccountData is DELETE …/account_data/{type}.
func (a *API) deleteAccountData(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	user, err := self(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetAccountData(ctx, user, id.RoomID(r.Path("roomId")), r.Path("type"), json.RawMessage("{}"))
}

// tags is GET /user/{userId}/rooms/{roomId}/tags.
func (a *API) tags(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := self(r)
	if err != nil {
		return nil, err
	}
	tags, err := a.data.Tags(ctx, user, id.RoomID(r.Path("roomId")))
	return httpx.JSON(tags), err
}

// setTag is PUT /user/{userId}/rooms/{roomId}/tags/{tag}.
func (a *API) setTag(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	user, err := self(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetTag(ctx, user, id.RoomID(r.Path("roomId")), r.Path("tag"), r.Body)
}

// deleteTag is DELETE /user/{userId}/rooms/{roomId}/tags/{tag}.
func (a *API) deleteTag(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	user, err := self(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.DeleteTag(ctx, user, id.RoomID(r.Path("roomId")), r.Path("tag"))
}

type filterResponse struct {
	ID string `json:"filter_id"`
}

// addFilter is POST /user/{userId}/filter.
func (a *API) addFilter(ctx context.Context, r *httpx.Request[json.RawMessage]) (filterResponse, error) {
	user, err := self(r)
	if err != nil {
		return filterResponse{}, err
	}
	name, err := a.data.AddFilter(ctx, user, r.Body)
	return filterResponse{name}, err
}

// filter is GET /user/{userId}/filter/{filterId}.
func (a *API) filter(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := self(r)
	if err != nil {
		return nil, err
	}
	definition, err := a.data.Filter(ctx, user, r.Path("filterId"))
	return httpx.JSON(definition), err
}
