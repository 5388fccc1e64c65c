package userdata

import (
	"context"
	"encoding/json"

	"plenum/internal/httpx"
)

func (a *API) tagRoutes() []httpx.Route {
	const tags = v3 + "/user/{userId}/rooms/{roomId}/tags"
	return []httpx.Route{
		httpx.Get(tags, httpx.User, spec+"get_matrixclientv3useruseridroomsroomidtags", httpx.RateDefault, a.tags),
		httpx.Put(tags+"/{tag}", httpx.User, spec+"put_matrixclientv3useruseridroomsroomidtagstag", httpx.RateDefault, a.setTag).Limit(maxTag),
		httpx.Delete(tags+"/{tag}", httpx.User, spec+"delete_matrixclientv3useruseridroomsroomidtagstag", httpx.RateDefault, a.deleteTag),
	}
}

// maxTag is how many bytes may be said about one tag.
const maxTag = 2048

// tags is GET /user/{userId}/rooms/{roomId}/tags.
func (a *API) tags(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	user, err := own(r)
	if err != nil {
		return nil, err
	}
	content, err := a.data.Tags(ctx, user, room(r))
	return httpx.JSON(content), err
}

// setTag is PUT /user/{userId}/rooms/{roomId}/tags/{tag}.
func (a *API) setTag(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	user, err := own(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetTag(ctx, user, room(r), r.Path("tag"), r.Body)
}

// deleteTag is DELETE /user/{userId}/rooms/{roomId}/tags/{tag}.
func (a *API) deleteTag(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	user, err := own(r)
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.DeleteTag(ctx, user, room(r), r.Path("tag"))
}
