package userdata

import (
	"context"
	"encoding/json"

	"plenum/internal/httpx"
)

// maxDatum is more than an entry of account data may have, with white space.
const maxDatum = 512 << 10

func (a *API) accountDataRoutes() []httpx.Route {
	const (
		global = "/user/{userId}/account_data/{type}"
		ofRoom = "/user/{userId}/rooms/{roomId}/account_data/{type}"
	)
	return []httpx.Route{
		httpx.Get(v3+global, httpx.User, spec+"get_matrixclientv3useruseridaccount_datatype", httpx.RateDefault, a.accountData),
		httpx.Put(v3+global, httpx.User, spec+"put_matrixclientv3useruseridaccount_datatype", httpx.RateDefault, a.setAccountData).Limit(maxDatum),
		httpx.Get(v3+ofRoom, httpx.User, spec+"get_matrixclientv3useruseridroomsroomidaccount_datatype", httpx.RateDefault, a.accountData),
		httpx.Put(v3+ofRoom, httpx.User, spec+"put_matrixclientv3useruseridroomsroomidaccount_datatype", httpx.RateDefault, a.setAccountData).Limit(maxDatum),
		httpx.Delete(msc3391+global, httpx.User, "MSC3391", httpx.RateDefault, a.deleteAccountData),
		httpx.Delete(msc3391+ofRoom, httpx.User, "MSC3391", httpx.RateDefault, a.deleteAccountData),
	}
}

// accountData is GET …/account_data/{type}, of the account or of a room.
func (a *API) accountData(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := own(r)
	if err != nil {
		return nil, err
	}
	content, err := a.data.AccountData(ctx, user, room(r), r.Path("type"))
	return httpx.JSON(content), err
}

// setAccountData is PUT …/account_data/{type}, of the account or of a room.
func (a *API) setAccountData(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	user, err := own(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetAccountData(ctx, user, room(r), r.Path("type"), r.Body)
}

// deleteAccountData is DELETE …/account_data/{type}, of the account or of a room.
func (a *API) deleteAccountData(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	user, err := own(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetAccountData(ctx, user, room(r), r.Path("type"), json.RawMessage("{}"))
}
