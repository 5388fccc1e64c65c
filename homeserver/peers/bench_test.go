package peers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plenum/homeserver/peers"
	"plenum/homeserver/peers/xmatrix"
)

// BenchmarkJoinAnswer reads the state of rooms with many members.
func BenchmarkJoinAnswer(b *testing.B) {
	for _, members := range []int{1000, 10_000, 50_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			var all strings.Builder
			all.WriteString(`{"auth_chain":[],"state":[`)
			for i := range members {
				if i > 0 {
					all.WriteByte(',')
				}
				fmt.Fprintf(&all, `{"auth_events":[%q,%q,%q],"content":{"displayname":"Somebody %d","membership":"join"},"depth":%d,"hashes":{"sha256":%q},"origin_server_ts":1700000000000,"prev_events":[%q],"room_id":"!room:two.example","sender":"@user%d:two.example","signatures":{"two.example":{"ed25519:a":%q}},"state_key":"@user%d:two.example","type":"m.room.member"}`,
					sample(44), sample(44), sample(44), i, i, sample(43), sample(44), i, sample(86), i)
			}
			all.WriteString(`]}`)
			text := all.String()
			one := open(b, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) { return fine(strings.NewReader(text)) })})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				a, err := one.SendJoin(b.Context(), there, "!r", "$e", json.RawMessage(`{}`), false)
				if err != nil || len(a.State) != members {
					b.Fatal(err)
				}
			}
		})
	}
}

func sample(n int) string { return strings.Repeat("x", n) }

// BenchmarkCall makes a signed call without a network.
func BenchmarkCall(b *testing.B) {
	one := open(b, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) { return fine(strings.NewReader(`{"pdus":{}}`)) })})
	body := json.RawMessage(`{"origin":"one.example","origin_server_ts":1700000000000,"pdus":[{"content":{"body":"` + sample(600) + `"}}]}`)
	for b.Loop() {
		if _, err := one.Send(b.Context(), there, "1", body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWhoHasSigned verifies the signature of a request.
func BenchmarkWhoHasSigned(b *testing.B) {
	n := newNetwork(b)
	one, two := open(b, here, n.options()), open(b, there, n.options())
	n.serve(here, one)
	r := httptest.NewRequest(http.MethodPut, "/_matrix/federation/v1/send/%21?x=%2F", nil)
	r.Header.Add("Authorization", header(b, here, func(*xmatrix.Request, *xmatrix.Header) {}))
	for b.Loop() {
		if _, err := two.auth.AuthenticateServer(b.Context(), r, []byte(`{"a":1}`)); err != nil {
			b.Fatal(err)
		}
	}
}
