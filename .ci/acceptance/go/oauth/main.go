// Command oauth signs somebody in to a running homeserver with
// golang.org/x/oauth2, a client library that is not ours: by a code, by a
// device code, and with refreshed tokens.
//
//	go run ./oauth -url http://localhost:8008 -registration-token TOKEN
//
// The last line says how many steps passed and failed; the exit code is 0 when
// none failed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/oauth2"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// world is what the walks share.
type world struct {
	people.Server

	config  oauth2.Config
	user    string
	browser *browser
	token   *oauth2.Token
}

const (
	callback = "http://127.0.0.1:40123/callback"
	password = "correct horse battery"
)

func main() {
	w := &world{}
	if !w.Flags() {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	all := &steps.Run{Out: os.Stdout}
	all.Walk(ctx, "oauth", w.walk)
	if !all.Summary() {
		os.Exit(1)
	}
}

func (w *world) walk(ctx context.Context, walk *steps.Walk) error {
	for _, s := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"the program finds the server out and registers", w.register},
		{"somebody signs up in a browser, and the program gets a code", w.byCode},
		{"an expired token is refreshed, twice", w.refresh},
		{"a program without a browser is let in", w.byDeviceCode},
	} {
		if err := walk.Step(ctx, s.name, s.fn); err != nil {
			return err
		}
	}
	return nil
}

// metadata is what the library has to be told of the server.
type metadata struct {
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Device        string `json:"device_authorization_endpoint"`
	Registration  string `json:"registration_endpoint"`
}

func (w *world) register(ctx context.Context) error {
	var m metadata
	if err := get(ctx, w.URL+"/_matrix/client/v1/auth_metadata", &m); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"client_name": "Go program", "client_uri": "https://program.example/", "application_type": "native",
		"redirect_uris": []string{"http://127.0.0.1/callback"}, "token_endpoint_auth_method": "none", "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
	})
	if err != nil {
		return err
	}
	resp, err := http.Post(m.Registration, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var made struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.ID == "" {
		return fmt.Errorf("status %d without a client_id: %w", resp.StatusCode, err)
	}
	w.config = oauth2.Config{
		ClientID: made.ID, RedirectURL: callback, Scopes: []string{"urn:matrix:client:api:*", "urn:matrix:client:device:GOPROGRAM1"},
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, DeviceAuthURL: m.Device},
	}
	return nil
}

func (w *world) byCode(ctx context.Context) (err error) {
	w.user = w.Name("go")
	if w.browser, err = newBrowser(); err != nil {
		return err
	}
	verifier := oauth2.GenerateVerifier()
	err = w.browser.open(ctx, w.config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("prompt", "create")))
	if err != nil {
		return err
	}
	err = w.browser.submit(ctx, url.Values{"token": {w.Token}, "name": {w.user}, "password": {password}, "again": {password}, "accept": {"yes"}})
	if err != nil {
		return err
	}
	if err := w.browser.submit(ctx, url.Values{"decision": {"allow"}}); err != nil {
		return err
	}
	back, err := url.Parse(w.browser.left)
	if err != nil || back.Query().Get("state") != "state" {
		return fmt.Errorf("the browser went to %q: %w", w.browser.left, err)
	}
	if w.token, err = w.config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier)); err != nil {
		return err
	}
	return w.isFor(ctx, w.token, "GOPROGRAM1")
}

func (w *world) refresh(ctx context.Context) error {
	for range 2 {
		expired := *w.token
		expired.Expiry = time.Now().Add(-time.Minute)
		fresh, err := w.config.TokenSource(ctx, &expired).Token()
		if err != nil {
			return err
		}
		if fresh.AccessToken == w.token.AccessToken || fresh.RefreshToken == w.token.RefreshToken {
			return errors.New("the tokens are the old ones")
		}
		w.token = fresh
		if err := w.isFor(ctx, w.token, "GOPROGRAM1"); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) byDeviceCode(ctx context.Context) error {
	other := w.config
	other.Scopes = []string{"urn:matrix:client:api:*", "urn:matrix:client:device:GOPROGRAM2"}
	waiting, err := other.DeviceAuth(ctx)
	if err != nil {
		return err
	}
	if err := w.browser.open(ctx, waiting.VerificationURIComplete); err != nil {
		return err
	}
	if err := w.browser.submit(ctx, url.Values{"code": {waiting.UserCode}, "decision": {"allow"}}); err != nil {
		return err
	}
	token, err := other.DeviceAccessToken(ctx, waiting)
	if err != nil {
		return err
	}
	return w.isFor(ctx, token, "GOPROGRAM2")
}

// isFor reports an error unless a token is for the person, on a device.
func (w *world) isFor(ctx context.Context, token *oauth2.Token, device id.DeviceID) error {
	client, err := mautrix.NewClient(w.URL, "", token.AccessToken)
	if err != nil {
		return err
	}
	who, err := client.Whoami(ctx)
	if err != nil {
		return err
	}
	if who.UserID.Localpart() != w.user || who.DeviceID != device {
		return fmt.Errorf("the token is for %s on %s", who.UserID, who.DeviceID)
	}
	return nil
}

func get(ctx context.Context, address string, v any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", address, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}
