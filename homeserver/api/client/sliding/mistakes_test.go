package sliding_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

func TestMistakesOfClients(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	ada.CreateRoom(hstest.Public)
	lists := make([]string, 101)
	for i := range lists {
		lists[i] = fmt.Sprintf(`"%d":{}`, i)
	}
	const bad, invalid, unknown = matrix.BadJSON, matrix.InvalidParam, matrix.UnknownPos
	for _, c := range []struct {
		path, body string
		code       matrix.Code
	}{
		{unstable, `[]`, bad},
		{unstable, `{"lists":[]}`, bad},
		{unstable, `{"lists":{"a":{"ranges":[[0,1,2]]}}}`, bad},
		{unstable, `{"lists":{"a":{"ranges":[0,1]}}}`, bad},
		{unstable, `{"lists":{"a":{"ranges":[[0,-1]]}}}`, invalid},
		{unstable, `{"lists":{"a":{"ranges":[["0","1"]]}}}`, bad},
		{unstable, `{"lists":{"a":{"required_state":[["m.room.name"]]}}}`, bad},
		{unstable, `{"lists":{"a":{"required_state":{"include":[]}}}}`, bad},
		{unstable, `{"lists":{"a":{"timeline_limit":-1}}}`, invalid},
		{unstable, `{"lists":{"a":{"timeline_limit":"many"}}}`, bad},
		{unstable, `{"lists":{"a":{"filters":{"is_dm":"yes"}}}}`, bad},
		{unstable, `{"room_subscriptions":{"!x":{"required_state":[[1,2]]}}}`, bad},
		{unstable, `{"extensions":{"to_device":{"enabled":true,"since":"yesterday"}}}`, invalid},
		{unstable, `{"extensions":{"receipts":{"enabled":true,"rooms":"*"}}}`, bad},
		{unstable + "?timeout=soon", `{}`, invalid},
		{unstable + "?set_presence=asleep", `{}`, invalid},
		{unstable + "?pos=rubbish", `{}`, unknown},
		{unstable + "?pos=" + url.QueryEscape("c1_\x00_1"), `{}`, invalid},
		{unstable, `{"lists":{` + strings.Join(lists, ",") + `}}`, invalid},
		{v4, `{"lists":{` + strings.Join(lists, ",") + `}}`, invalid},
		{v4, `{"lists":{"a":{"range":[0]}}}`, bad},
		{v4, `{"lists":{"a":{"range":[5,4]}}}`, invalid},
		{v4, `{"lists":{"a":{"required_state":[["m.room.name",""]]}}}`, bad},
		{v4, `{"lists":{"a":{"required_state":{"include":[{"type":1}]}}}}`, bad},
		{v4, `{"pos":"s1_1"}`, unknown},
		{v4, `{"pos":7}`, bad},
		{v4, `{"timeout":"1"}`, bad},
		{v4, `{"set_presence":"asleep"}`, invalid},
		{v4, `{"conn_id":"` + strings.Repeat("c", 256) + `"}`, invalid},
	} {
		t.Log(c.path, c.body[:min(len(c.body), 80)])
		ada.Refused(c.code).Post(c.path, json.RawMessage(c.body))
	}
	for _, c := range []struct{ path, body string }{
		{unstable, `{}`},
		{unstable + "?timeout=-1&set_presence=", `{"lists":null,"room_subscriptions":null,"extensions":null}`},
		{unstable, `{"conn_id":null,"lists":{"a":{"ranges":[],"filters":null,"required_state":null}},"room_subscriptions":{"!x":null}}`},
		{unstable, `{"lists":{"a":{"ranges":[[0,18446744073]],"slow_get_all_rooms":true,"sort":["by_recency"],"timeline_limit":100000}}}`},
		{unstable, `{"unsubscribe_rooms":["!x"],"txn_id":"t","extensions":{"to_device":{"enabled":true,"since":""},"org.example.x":{"enabled":true}}}`},
		{v4, `{"lists":{"a":{"range":null,"required_state":{},"timeline_limit":0,"filters":{"room_types":[null]}}},"timeout":99999999999}`},
	} {
		t.Log(c.path, c.body)
		if a := ada.Post(c.path, json.RawMessage(c.body)); a.Get("pos").Str == "" {
			t.Errorf("answered %s", a.Raw)
		}
	}
	ada.Token = ""
	ada.Refused(matrix.MissingToken).Post(unstable, more{})
	ada.Refused(matrix.MissingToken).Post(v4, more{})
}
