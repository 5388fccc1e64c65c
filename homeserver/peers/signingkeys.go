package peers

import (
	"context"
	"encoding/json"
	"net/http"
)

// keyBytes is how many bytes an answer about signing keys may have.
const keyBytes = 256 << 10

// ServerKeys returns what a server says of its signing keys. It is signed by
// them, which is for the caller to check.
//
// Spec: server-server-api#get_matrixkeyv2server
func (c *Client) ServerKeys(ctx context.Context, server string) (json.RawMessage, error) {
	var a json.RawMessage
	err := c.ask(ctx, call{server: server, path: "/_matrix/key/v2/server", unsigned: true, limit: keyBytes, eager: true}, &a)
	return a, err
}

// NotaryKeys asks a server what it knows of the signing keys of others: by
// server and key, until when (in milliseconds) a key has to be valid.
//
// Spec: server-server-api#post_matrixkeyv2query
func (c *Client) NotaryKeys(ctx context.Context, notary string, wanted map[string]map[string]int64) ([]json.RawMessage, error) {
	type criteria struct {
		ValidUntil int64 `json:"minimum_valid_until_ts"`
	}
	body := make(map[string]map[string]criteria, len(wanted))
	for server, keys := range wanted {
		body[server] = make(map[string]criteria, len(keys))
		for key, until := range keys {
			body[server][key] = criteria{until}
		}
	}
	var a struct {
		Keys []json.RawMessage `json:"server_keys"`
	}
	err := c.ask(ctx, call{
		server: notary, method: http.MethodPost, path: "/_matrix/key/v2/query", unsigned: true, limit: answerBytes, body: map[string]any{"server_keys": body},
	}, &a)
	return a.Keys, err
}
