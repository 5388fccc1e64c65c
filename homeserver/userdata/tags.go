package userdata

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Limits of tags.
//
// Spec: client-server-api#room-tagging
const (
	maxTagName = 255 // bytes
	maxTags    = 100 // of one user on one room
)

// tagContent is the content of m.tag.
type tagContent struct {
	Tags map[string]json.RawMessage `json:"tags"`
}

func parseTags(content json.RawMessage) tagContent {
	var t tagContent
	if json.Unmarshal(content, &t) != nil || t.Tags == nil {
		t.Tags = map[string]json.RawMessage{} // a client may write anything to m.tag
	}
	return t
}

// Tags returns the content of m.tag: the tags that user put on room.
//
// Spec: client-server-api#get_matrixclientv3useruseridroomsroomidtags
func (d *Data) Tags(ctx context.Context, user id.UserID, room id.RoomID) (json.RawMessage, error) {
	content, err := d.AccountData(ctx, user, room, tagType)
	if err != nil && !matrix.IsCode(err, matrix.NotFound) {
		return nil, err
	}
	return json.Marshal(parseTags(content))
}

// SetTag puts a tag on room, or replaces it.
//
// Spec: client-server-api#put_matrixclientv3useruseridroomsroomidtagstag
func (d *Data) SetTag(ctx context.Context, user id.UserID, room id.RoomID, tag string, content json.RawMessage) error {
	if len(tag) == 0 || len(tag) > maxTagName {
		return matrix.Errorf(matrix.InvalidParam, "The name of a tag must have 1 to %d bytes.", maxTagName)
	}
	if room == "" || room[0] != '!' {
		return matrix.Errorf(matrix.InvalidParam, "%q is not the id of a room.", room)
	}
	if err := checkOrder(content); err != nil {
		return err
	}
	return d.changeTags(ctx, user, room, func(tags map[string]json.RawMessage) error {
		if _, ok := tags[tag]; !ok && len(tags) >= maxTags {
			return matrix.Errorf(matrix.ResourceLimitExceeded, "A room may have at most %d tags.", maxTags)
		}
		tags[tag] = content
		return nil
	})
}

func checkOrder(content json.RawMessage) error {
	order := gjson.GetBytes(content, "order")
	switch {
	case order.Type == gjson.Null: // not given
	case order.Type != gjson.Number || order.Num < 0 || order.Num > 1:
		return matrix.Errorf(matrix.BadJSON, "The order of a tag must be a number between 0 and 1.")
	}
	return nil
}

// DeleteTag takes a tag off room. It is no error when there is none.
//
// Spec: client-server-api#delete_matrixclientv3useruseridroomsroomidtagstag
func (d *Data) DeleteTag(ctx context.Context, user id.UserID, room id.RoomID, tag string) error {
	return d.changeTags(ctx, user, room, func(tags map[string]json.RawMessage) error {
		delete(tags, tag)
		return nil
	})
}

func (d *Data) changeTags(ctx context.Context, user id.UserID, room id.RoomID, change func(map[string]json.RawMessage) error) error {
	return d.UpdateAccountData(ctx, user, room, tagType, func(old json.RawMessage) (json.RawMessage, error) {
		t := parseTags(old)
		if err := change(t.Tags); err != nil {
			return nil, err
		}
		if old == nil && len(t.Tags) == 0 {
			return nil, nil
		}
		return json.Marshal(t)
	})
}
