package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// bridge is an application service of mautrix-go, and what it has heard.
type bridge struct {
	*appservice.AppService
	events *appservice.EventProcessor
	server *http.Server

	mu    sync.Mutex
	heard []*event.Event
	news  chan struct{} // closed and made anew whenever something was heard
	asked chan string   // users and aliases that the server asked about
	knows func(name string) bool
}

// newBridge makes a bridge of a registration. It does not listen yet.
func newBridge(file, domain, url string) (*bridge, error) {
	r, err := appservice.LoadRegistration(file)
	if err != nil {
		return nil, err
	}
	as, err := appservice.CreateFull(appservice.CreateOpts{Registration: r, HomeserverDomain: domain, HomeserverURL: url})
	if err != nil {
		return nil, err
	}
	b := &bridge{AppService: as, news: make(chan struct{}), asked: make(chan string, 10), knows: func(string) bool { return false }}
	as.QueryHandler = b
	b.events = appservice.NewEventProcessor(as)
	b.events.ExecMode = appservice.Sync // in the order in which they come
	for _, typ := range []event.Type{event.EventMessage, event.StateMember, event.EphemeralEventTyping, event.EphemeralEventReceipt} {
		b.events.On(typ, b.hear)
	}
	return b, nil
}

// Listen lets the server reach the bridge.
func (b *bridge) Listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	b.server = &http.Server{Handler: b.Router}
	go func() {
		if err := b.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}()
	return nil
}

// Away ends that.
func (b *bridge) Away() error { return b.server.Close() }

// QueryUser and QueryAlias are what the server asks.
func (b *bridge) QueryUser(user id.UserID) bool {
	b.asked <- string(user)
	return b.knows(string(user))
}

func (b *bridge) QueryAlias(alias id.RoomAlias) bool {
	b.asked <- string(alias)
	return b.knows(string(alias))
}

func (b *bridge) hear(_ context.Context, evt *event.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = append(b.heard, evt)
	close(b.news)
	b.news = make(chan struct{})
}

// until waits for something that is heard, or was.
func (b *bridge) until(ctx context.Context, what string, wanted func(*event.Event) bool) (*event.Event, error) {
	for seen := 0; ; {
		b.mu.Lock()
		heard, news := b.heard, b.news
		b.mu.Unlock()
		for ; seen < len(heard); seen++ {
			if wanted(heard[seen]) {
				return heard[seen], nil
			}
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("the bridge waited in vain for %s", what)
		}
	}
}

// hears waits for an event.
func (b *bridge) hears(ctx context.Context, eventID id.EventID) (*event.Event, error) {
	return b.until(ctx, eventID.String(), func(evt *event.Event) bool { return evt.ID == eventID })
}

// texts are the messages that somebody said in a room, in the order in which
// they were heard.
func (b *bridge) texts(room id.RoomID, sender id.UserID) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, evt := range b.heard {
		if evt.Type == event.EventMessage && evt.RoomID == room && evt.Sender == sender {
			all = append(all, evt.Content.AsMessage().Body)
		}
	}
	return all
}

func (b *bridge) ghost(name string) *appservice.IntentAPI {
	return b.Intent(id.NewUserID("parrot_"+name, b.HomeserverDomain))
}

// text is a text message.
func text(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgText, Body: body}
}
