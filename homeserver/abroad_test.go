package homeserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

func TestProfilesOfOtherServers(t *testing.T) {
	t.Parallel()
	servers := hstest.Federation(t, "one.example", "two.example")
	ada, bob := servers[0].Client("ada"), servers[1].Client("bob")
	bob.Put(v3+"/profile/@bob:two.example/displayname", hstest.More{"displayname": "Bob"})
	room := bob.CreateRoom(hstest.Public)
	ada.Post(hstest.Path(v3, "join", room)+"?via=two.example", hstest.More{})
	if name := ada.Get(v3 + "/profile/@bob:two.example").Get("displayname").Str; name != "Bob" {
		t.Errorf("called %q", name)
	}
	if name := ada.Get(v3 + "/profile/@bob:two.example/displayname").Get("displayname").Str; name != "Bob" {
		t.Errorf("called %q", name)
	}
	ada.Refused(matrix.NotFound).Get(v3 + "/profile/@nobody:nowhere.example")
}

// strange answers in the name of a server, oddly.
type strange map[string]string

func (s strange) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := s[r.URL.Path]
	status := http.StatusOK
	if !ok {
		status, body = http.StatusNotFound, `{"errcode":"M_NOT_FOUND","error":"no"}`
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if strings.HasPrefix(body, "--b") {
		h.Set("Content-Type", "multipart/mixed; boundary=b")
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestOddAnswersOfOtherServers(t *testing.T) {
	t.Parallel()
	n := hstest.NewNetwork()
	one := hstest.New(t, hstest.Options{Network: n})
	ada := one.Client("ada")
	n.Add("odd.example", strange{
		"/_matrix/federation/v1/query/profile":        `{"displayname":7,"avatar_url":null,"x":[1]}`,
		"/_matrix/federation/v1/publicRooms":          `{"chunk":[{"room_id":"!a:odd.example","num_joined_members":3},7,{"name":"no id"},{"room_id":9}],"next_batch":"n"}`,
		"/_matrix/federation/v1/media/download/whole": "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nhello\r\n--b--",
		"/_matrix/federation/v1/media/download/half":  "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhel",
	})
	if got := ada.Get(v3 + "/profile/@a:odd.example").Raw; got != `{"x":[1]}` {
		t.Errorf("profile %s", got)
	}
	for _, page := range []hstest.JSON{ada.Get(v3 + "/publicRooms?server=odd.example"), ada.Post(v3+"/publicRooms?server=odd.example", hstest.More{"filter": hstest.More{"generic_search_term": "x"}})} {
		if rooms := page.Get("chunk").Array(); len(rooms) != 1 || rooms[0].Get("room_id").Str != "!a:odd.example" || page.Get("next_batch").Str != "n" {
			t.Errorf("rooms %s", page.Raw)
		}
	}
	ada.Refused(matrix.NotFound).Get(v3 + "/publicRooms?server=nowhere.example")

	const media = "/_matrix/client/v1/media/download/odd.example/"
	if resp, body := fetch(t, one, ada, media+"whole"); resp.StatusCode != 200 || body != "hello" || !strings.Contains(resp.Header.Get("Content-Disposition"), "a.txt") {
		t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
	for name, status := range map[string]int{"half": 502, "none": 404} {
		if resp, _ := fetch(t, one, ada, media+name); resp.StatusCode != status {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	n.Add("odd.example", strange{}) // it is kept here
	if resp, body := fetch(t, one, ada, media+"whole"); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("again: %d %q", resp.StatusCode, body)
	}
}

func fetch(t *testing.T, s *hstest.Server, by *hstest.Client, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://one.example"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+by.Token)
	resp, err := s.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestServerThatLooksNothingUp(t *testing.T) {
	t.Parallel()
	n := hstest.NewNetwork()
	one := hstest.New(t, hstest.Options{Network: n, Configure: func(c *config.Config) {
		c.Federation.Profiles, c.Federation.Media = false, false
	}})
	n.Add("odd.example", strange{"/_matrix/federation/v1/query/profile": `{"displayname":"x"}`})
	ada := one.Client("ada")
	ada.Refused(matrix.Forbidden).Get(v3 + "/profile/@a:odd.example")
	if resp, _ := fetch(t, one, ada, "/_matrix/client/v1/media/download/odd.example/x"); resp.StatusCode != 404 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestServerAlone(t *testing.T) {
	t.Parallel()
	one := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Federation.Enabled = false }})
	one.Nobody().Refused(matrix.Unrecognized).Get("/_matrix/key/v2/server")
	one.Client("ada").Refused(matrix.Forbidden).Get(v3 + "/publicRooms?server=two.example")
}
