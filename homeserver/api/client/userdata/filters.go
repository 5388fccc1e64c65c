package userdata

import (
	"context"
	"encoding/json"

	"plenum/internal/httpx"
)

func (a *API) filterRoutes() []httpx.Route {
	const filters = v3 + "/user/{userId}/filter"
	return []httpx.Route{
		httpx.Post(filters, httpx.User, spec+"post_matrixclientv3useruseridfilter", httpx.RateDefault, a.addFilter),
		httpx.Get(filters+"/{filterId}", httpx.User, spec+"get_matrixclientv3useruseridfilterfilterid", httpx.RateDefault, a.filter),
	}
}

type filterResponse struct {
	ID string `json:"filter_id"`
}

// addFilter is POST /user/{userId}/filter.
func (a *API) addFilter(ctx context.Context, r *httpx.Request[json.RawMessage]) (filterResponse, error) {
	user, err := own(r)
	if err != nil {
		return filterResponse{}, err
	}
	name, err := a.data.AddFilter(ctx, user, r.Body)
	return filterResponse{name}, err
}

// filter is GET /user/{userId}/filter/{filterId}.
func (a *API) filter(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := own(r)
	if err != nil {
		return nil, err
	}
	definition, err := a.data.Filter(ctx, user, r.Path("filterId"))
	return httpx.JSON(definition), err
}
