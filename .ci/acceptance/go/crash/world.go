package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	people  = 6
	houses  = 3
	longest = 900 // ms between two kills, at most
)

// world is the people, the rooms they are all in, and what was acknowledged.
type world struct {
	server  *server
	random  *rand.Rand
	people  []*person
	rooms   []id.RoomID
	witness *witness // nil: there is none
	lost    int
	slowest time.Duration
}

// person sends from one device and follows on it.
type person struct {
	*mautrix.Client
	n     int
	since string
	next  int

	sent  map[id.EventID]string // acknowledged: event and what it says
	open  *request              // whose answer was lost
	heard map[id.EventID]string // through incremental sync, of everybody
}

// request is a message that was sent.
type request struct {
	room id.RoomID
	txn  string
	text string
}

// settle makes accounts and rooms.
func (w *world) settle(ctx context.Context) error {
	for n := range people {
		p, err := w.register(ctx, n)
		if err != nil {
			return err
		}
		w.people = append(w.people, p)
	}
	for range houses {
		room, err := w.people[0].CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "public_chat"})
		if err != nil {
			return err
		}
		w.rooms = append(w.rooms, room.RoomID)
		for _, p := range w.people[1:] {
			if _, err := p.JoinRoomByID(ctx, room.RoomID); err != nil {
				return err
			}
		}
	}
	for _, p := range w.people {
		answer, err := p.SyncRequest(ctx, 0, "", "", false, event.PresenceOffline)
		if err != nil {
			return err
		}
		p.since = answer.NextBatch
	}
	return nil
}

func (w *world) register(ctx context.Context, n int) (*person, error) {
	client, err := mautrix.NewClient(w.server.url, "", "")
	if err != nil {
		return nil, err
	}
	client.Log = zerolog.Nop()
	client.DefaultHTTPRetries = 0
	req := &mautrix.ReqRegister[any]{Username: fmt.Sprintf("p%d-%d", n, w.random.Uint32()), Password: "a password long enough",
		Auth: map[string]any{"type": mautrix.AuthTypeDummy}}
	answer, _, err := client.Register(ctx, req)
	if err != nil {
		return nil, err
	}
	client.SetCredentials(answer.UserID, answer.AccessToken)
	client.DeviceID = answer.DeviceID
	return &person{Client: client, n: n, sent: map[id.EventID]string{}, heard: map[id.EventID]string{}}, nil
}

func (w *world) acknowledged() (n int) {
	for _, p := range w.people {
		n += len(p.sent)
	}
	return n
}

// round loads the server, kills it, starts it and checks.
func (w *world) round(ctx context.Context, n int) error {
	moment := time.Duration(20+w.random.IntN(longest)) * time.Millisecond
	load, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	var all sync.WaitGroup
	for _, p := range w.people {
		all.Go(func() { p.talk(load, w.rooms, n) })
		all.Go(func() { p.follow(load) })
	}
	time.Sleep(moment) // the moment of the kill is what is random here
	w.server.kill()
	stop()
	all.Wait()
	began := time.Now()
	if err := w.server.start(ctx); err != nil {
		return err
	}
	w.slowest = max(w.slowest, time.Since(began))
	for _, p := range w.people {
		if p.open != nil {
			w.lost++
		}
		if err := p.repeat(ctx); err != nil {
			return err
		}
	}
	return w.check(ctx)
}

// talk sends messages until the server is gone.
func (p *person) talk(ctx context.Context, rooms []id.RoomID, round int) {
	for ctx.Err() == nil {
		p.next++
		p.open = &request{rooms[p.next%len(rooms)], fmt.Sprintf("txn-%d", p.next), fmt.Sprintf("%d says %d in round %d", p.n, p.next, round)}
		if p.say(ctx) != nil {
			return
		}
	}
}

// say sends what is open, and notes that it was acknowledged.
func (p *person) say(ctx context.Context) error {
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: p.open.text}
	answer, err := p.SendMessageEvent(ctx, p.open.room, event.EventMessage, content, mautrix.ReqSendEvent{TransactionID: p.open.txn})
	if err != nil {
		return err
	}
	if was, ok := p.sent[answer.EventID]; ok {
		return fmt.Errorf("%s stands for %q and for %q", answer.EventID, was, p.open.text)
	}
	p.sent[answer.EventID] = p.open.text
	p.open = nil
	return nil
}

// repeat sends again what had no answer, as clients do.
func (p *person) repeat(ctx context.Context) error {
	if p.open == nil {
		return nil
	}
	return p.say(ctx)
}
