package push

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/homeserver/push/webpush"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Kinds of pushers that browsers and phones make with the push servers of
// their makers, without a gateway in between (MSC4174).
const (
	web       = "webpush"
	webBefore = "org.matrix.msc4174.webpush" // its name in an earlier proposal
)

func isWeb(kind string) bool { return kind == web || kind == webBefore }

// vapidName is the fact about the database that holds the key by which push
// servers know this server. Browsers bind their subscriptions to it.
const vapidName = "push.vapid"

// openWeb reads the key, or makes one at the first start.
func openWeb(ctx context.Context, db *storage.DB, contact string) (*webpush.Sender, error) {
	fresh, err := webpush.NewKey()
	if err != nil {
		return nil, err
	}
	var text string
	read := func(tx *storage.Tx) (err error) {
		text, _, err = storage.Meta(ctx, tx, vapidName)
		return err
	}
	if err := db.Read(ctx, read); err != nil {
		return nil, err
	}
	if text == "" {
		text = base64.StdEncoding.EncodeToString(fresh)
		if err := db.Write(ctx, func(tx *storage.Tx) error { return storage.SetMeta(ctx, tx, vapidName, text) }); err != nil {
			return nil, err
		}
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("key for web push: %w", err)
	}
	return webpush.NewSender(key, contact)
}

// WebKey is the key with which browsers subscribe to messages of this server.
func (p *Push) WebKey() string { return p.web.PublicKey() }

// subscription is where a web pusher is to be reached.
func subscription(key string, data json.RawMessage) (*webpush.Subscription, error) {
	fields := gjson.GetManyBytes(data, "url", "auth")
	return webpush.Subscribe(fields[0].Str, key, fields[1].Str)
}

// checkWeb refuses a web pusher that cannot work.
func (p *Push) checkWeb(n *Pusher) error {
	for _, must := range []string{"url", "auth"} {
		if gjson.GetBytes(n.Data, must).Str == "" {
			return matrix.Errorf(matrix.MissingParam, "Missing parameters: data.%s", must)
		}
	}
	_, err := subscription(n.Key, n.Data)
	if err == nil && !p.opt.AllowHTTP && !strings.HasPrefix(gjson.GetBytes(n.Data, "url").Str, "https:") {
		err = webpush.ErrURL
	}
	switch {
	case errors.Is(err, webpush.ErrKey):
		return matrix.Errorf(matrix.InvalidParam, "pushkey must be a public key on P-256, uncompressed and in URL-safe Base64.")
	case errors.Is(err, webpush.ErrAuth):
		return matrix.Errorf(matrix.InvalidParam, "data.auth must be 16 bytes in URL-safe Base64.")
	case errors.Is(err, webpush.ErrURL):
		return matrix.Errorf(matrix.InvalidParam, "data.url must be the address of a push server, and begin with https://.")
	}
	return err
}

// sendWeb brings n to a web pusher, and reports whether that is gone. What is
// too long for push servers goes without its content.
func (p *Push) sendWeb(ctx context.Context, to *store.Pusher, n *notification) (gone bool, err error) {
	text, err := webText(n, to.Data)
	if err == nil && len(text) > webpush.MaxMessage {
		short := *n
		short.Content = nil
		text, err = webText(&short, to.Data)
	}
	if err != nil {
		return false, err
	}
	urgency := webpush.Normal
	if n.Prio == "high" {
		urgency = webpush.High
	}
	return p.putWeb(ctx, to, webpush.Message{Text: text, Urgency: urgency, Life: tooLate})
}

// webText is n as a client gets it: the fields side by side, with those that
// the client wants to have back, as gateways for browsers write it.
func webText(n *notification, data json.RawMessage) ([]byte, error) {
	raw, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if own := gjson.GetBytes(data, "default_payload"); own.IsObject() {
		if err := json.Unmarshal([]byte(own.Raw), &fields); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	delete(fields, "devices")
	if fields["unread"], err = json.Marshal(n.Counts.Unread); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// putWeb brings a message to the push server of a web pusher, and reports
// whether the pusher is gone.
//
// Spec: MSC4174; RFC 8030, sections 5 and 7.3
func (p *Push) putWeb(ctx context.Context, to *store.Pusher, m webpush.Message) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, gatewayTime)
	defer cancel()
	if m.To, err = subscription(to.Key, to.Data); err != nil {
		return true, nil // it was checked, so it is from a later version
	}
	req, err := p.web.Request(ctx, m, p.opt.Now())
	if errors.Is(err, webpush.ErrTooLong) {
		return false, nil // the data of the pusher alone is: that never ends
	}
	if err != nil {
		return false, err
	}
	resp, err := p.opt.Gateway.RoundTrip(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, gatewayAnswer)); err != nil {
		return false, err
	}
	switch {
	case resp.StatusCode/100 == 2:
		return false, nil
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone || resp.StatusCode == http.StatusForbidden:
		return true, nil
	}
	return false, fmt.Errorf("push server answered %d", resp.StatusCode)
}
