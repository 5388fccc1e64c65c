package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/outward"
	"plenum/rooms"
	store "plenum/storage/userdata"
)

const (
	gatewayTime   = 30 * time.Second // longest wait for a gateway
	gatewayAnswer = 64 << 10         // bytes that are read of an answer
)

// notification is what a push gateway is told.
//
// Spec: push-gateway-api#post_matrixpushv1notify
type notification struct {
	EventID      id.EventID      `json:"event_id"`
	RoomID       id.RoomID       `json:"room_id"`
	Type         string          `json:"type,omitempty"`
	Sender       id.UserID       `json:"sender,omitempty"`
	SenderName   string          `json:"sender_display_name,omitempty"`
	RoomName     string          `json:"room_name,omitempty"`
	RoomAlias    string          `json:"room_alias,omitempty"`
	UserIsTarget bool            `json:"user_is_target,omitempty"`
	Content      json.RawMessage `json:"content,omitempty"`
	Prio         string          `json:"prio"`
	Counts       gatewayCounts   `json:"counts"`
	Devices      []gatewayDevice `json:"devices"`
}

type gatewayCounts struct {
	Unread int `json:"unread,omitempty"`
}

type gatewayDevice struct {
	AppID  string                     `json:"app_id"`
	Key    string                     `json:"pushkey"`
	Data   map[string]json.RawMessage `json:"data"`
	Tweaks map[string]any             `json:"tweaks,omitempty"`
}

// write makes the notification about e for a pusher. Gateways and the phone
// companies behind them read it, so it holds ids and counts, and more only
// where the operator allows it and the pusher asks for it.
func (p *Push) write(ctx context.Context, to *store.Pusher, rm *rooms.Room, e *rooms.Event, one store.Push) (*notification, error) {
	device := gatewayDevice{AppID: to.AppID, Key: to.Key}
	if err := json.Unmarshal(to.Data, &device.Data); err != nil {
		return nil, err
	}
	// What goes to a browser, nobody in between can read.
	idOnly := !p.opt.TellContent && !isWeb(to.Kind) || string(device.Data["format"]) == `"event_id_only"`
	delete(device.Data, "url")
	unread, err := p.unreadOf(ctx, to.User)
	if err != nil {
		return nil, err
	}
	n := &notification{EventID: e.ID, RoomID: e.Room, Prio: "low", Counts: gatewayCounts{unread}}
	if one.Highlight || one.Sound != "" || e.Type == "m.room.encrypted" {
		n.Prio = "high"
	}
	if !idOnly {
		device.Tweaks = tweaks(one)
		err = p.tell(ctx, n, to.User, rm, e)
	}
	n.Devices = []gatewayDevice{device}
	return n, err
}

func tweaks(one store.Push) map[string]any {
	t := map[string]any{}
	if one.Sound != "" {
		t["sound"] = one.Sound
	}
	if one.Highlight {
		t["highlight"] = true
	}
	return t
}

// tell adds what the event says, and who said it where.
func (p *Push) tell(ctx context.Context, n *notification, user id.UserID, rm *rooms.Room, e *rooms.Event) error {
	n.Type, n.Sender, n.Content = e.Type, e.Sender, json.RawMessage(e.Content().Raw)
	n.UserIsTarget = e.Is("m.room.member", string(user))
	for _, from := range []struct {
		typ, key, member string
		into             *string
	}{
		{"m.room.member", string(e.Sender), "displayname", &n.SenderName},
		{"m.room.name", "", "name", &n.RoomName},
		{"m.room.canonical_alias", "", "alias", &n.RoomAlias},
	} {
		state, err := rm.Current(ctx, from.typ, from.key)
		if err != nil {
			return err
		}
		if state != nil {
			*from.into = state.Content().Get(from.member).Str
		}
	}
	return nil
}

// send gives n to the gateway of a pusher and returns the keys that it
// rejects.
func (p *Push) send(ctx context.Context, to *store.Pusher, n *notification) (rejected []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gatewayTime)
	defer cancel()
	body, err := json.Marshal(map[string]*notification{"notification": n})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, gjson.GetBytes(to.Data, "url").Str, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.opt.Gateway.RoundTrip(req) // no redirects: a gateway is where it is
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, gatewayAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("push gateway answered %d", resp.StatusCode)
	}
	for _, key := range gjson.GetBytes(answer, "rejected").Array() {
		rejected = append(rejected, key.Str)
	}
	return rejected, nil
}

// NewGateway returns the way to push gateways. The address of a gateway comes
// from a client, so that without private it leads nowhere inside: not to this
// machine and not to its neighbours.
func NewGateway(private bool) http.RoundTripper {
	return (&outward.Dialer{AllowPrivate: private}).Transport()
}
