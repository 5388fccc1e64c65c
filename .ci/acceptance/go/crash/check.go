package main

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// follow syncs until the server is gone.
func (p *person) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := p.listen(ctx, 1000); err != nil {
			return
		}
	}
}

// listen does one incremental sync and returns how many events came. An
// answer with a gap is filled by paging, as clients do.
func (p *person) listen(ctx context.Context, timeout int) (int, error) {
	answer, err := p.SyncRequest(ctx, timeout, p.since, "", false, event.PresenceOffline)
	if err != nil {
		return 0, err
	}
	news := map[id.EventID]string{}
	for room, joined := range answer.Rooms.Join {
		for _, e := range joined.Timeline.Events {
			news[e.ID] = text(e)
		}
		if joined.Timeline.Limited {
			if err := p.fill(ctx, room, joined.Timeline.PrevBatch, news); err != nil {
				return 0, err
			}
		}
	}
	for ev, says := range news {
		if _, ok := p.heard[ev]; ok {
			return 0, fmt.Errorf("%s heard %s (%q) twice", p.UserID, ev, says)
		}
		p.heard[ev] = says
	}
	p.since = answer.NextBatch
	return len(news), nil
}

// fill pages back from a gap to where the last sync ended.
func (p *person) fill(ctx context.Context, room id.RoomID, from string, news map[id.EventID]string) error {
	for from != "" {
		page, err := p.Messages(ctx, room, from, p.since, mautrix.DirectionBackward, nil, 100)
		if err != nil {
			return err
		}
		for _, e := range page.Chunk {
			news[e.ID] = text(e)
		}
		from = page.End
		if len(page.Chunk) == 0 {
			return nil
		}
	}
	return nil
}

// text is what a message says; mautrix has not parsed it.
func text(e *event.Event) string {
	body, _ := e.Content.Raw["body"].(string)
	return body
}

// check lets everybody catch up and compares what they heard with what was
// acknowledged.
func (w *world) check(ctx context.Context) error {
	for _, p := range w.people {
		for {
			n, err := p.listen(ctx, 0)
			if err != nil {
				return fmt.Errorf("sync after a restart: %w", err)
			}
			if n == 0 {
				break
			}
		}
		for _, sender := range w.people {
			for ev, says := range sender.sent {
				if p.heard[ev] != says {
					return fmt.Errorf("%s acknowledged %s (%q) to %s, but %s heard %q", w.server.url, ev, says, sender.UserID, p.UserID, p.heard[ev])
				}
			}
		}
	}
	return nil
}

// compare reads every room from end to end: each acknowledged message is there
// once, and no message twice.
func (w *world) compare(ctx context.Context) error {
	texts := map[string]int{}
	p := w.people[0]
	for _, room := range w.rooms {
		all := map[id.EventID]string{}
		page, err := p.Messages(ctx, room, "", "", mautrix.DirectionBackward, nil, 500)
		for err == nil && len(page.Chunk) > 0 {
			for _, e := range page.Chunk {
				if _, ok := all[e.ID]; ok {
					return fmt.Errorf("%s stands twice in %s", e.ID, room)
				}
				all[e.ID] = text(e)
				if e.Type == event.EventMessage {
					texts[text(e)]++
				}
			}
			if page.End == "" {
				break
			}
			page, err = p.Messages(ctx, room, page.End, "", mautrix.DirectionBackward, nil, 500)
		}
		if err != nil {
			return err
		}
	}
	for _, sender := range w.people {
		for ev, says := range sender.sent {
			if texts[says] != 1 {
				return fmt.Errorf("%s (%q) is there %d times", ev, says, texts[says])
			}
		}
	}
	return nil
}
