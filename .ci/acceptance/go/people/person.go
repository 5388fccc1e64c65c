// Package people is accounts on the server under test, used through
// mautrix-go, a client library that is not ours.
package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Person is an account on the server under test with one device, whose client
// follows the server and remembers everything it was told.
type Person struct {
	*mautrix.Client
	Password string
	stop     context.CancelFunc
	stopped  chan struct{}

	mu    sync.Mutex
	heard []*event.Event
	news  chan struct{} // closed and made anew whenever something was heard
}

// patientSyncer is mautrix's own syncer, which after a failure waits ten
// seconds; here the server is known to come back sooner.
type patientSyncer struct{ *mautrix.DefaultSyncer }

func (patientSyncer) OnFailedSync(_ *mautrix.RespSync, err error) (time.Duration, error) {
	if errors.Is(err, mautrix.MUnknownToken) {
		return 0, err
	}
	return 200 * time.Millisecond, nil
}

// Register makes an account the way a client does: ask, be told the flows,
// walk one of them.
func (s Server) Register(ctx context.Context, name string) (*Person, error) {
	guest, err := mautrix.NewClient(s.URL, "", "")
	if err != nil {
		return nil, err
	}
	p := &Person{Password: name + " has a long password", news: make(chan struct{})}
	req := &mautrix.ReqRegister[any]{Username: name, Password: p.Password, InitialDeviceDisplayName: name + "'s device"}
	answer, uia, err := guest.Register(ctx, req)
	if uia == nil { // the library takes the flows for no error
		return nil, fmt.Errorf("first request: want to be told the flows, got %v, %w", answer, err)
	}
	for _, stage := range s.flow(uia.Flows) {
		req.Auth = stageAuth{Type: stage, Session: uia.Session, Token: s.Token}
		answer, _, err = guest.Register(ctx, req)
	}
	if err != nil {
		return nil, err
	}
	return p, p.connect(s.URL, answer.UserID, answer.DeviceID, answer.AccessToken)
}

// stageAuth is what the stages of registration that need no person carry.
type stageAuth struct {
	Type    mautrix.AuthType `json:"type"`
	Session string           `json:"session"`
	Token   string           `json:"token,omitempty"`
}

const tokenStage mautrix.AuthType = "m.login.registration_token"

// flow picks the stages to walk: by token when there is one, else the one
// that asks for nothing.
func (s Server) flow(flows []mautrix.UIAFlow) []mautrix.AuthType {
	for _, flow := range flows {
		if s.Token != "" && slices.Contains(flow.Stages, tokenStage) {
			return flow.Stages
		}
	}
	return []mautrix.AuthType{mautrix.AuthTypeDummy}
}

// Login adds a device to p's account.
func (s Server) Login(ctx context.Context, p *Person, device string) (*Person, error) {
	guest, err := mautrix.NewClient(s.URL, "", "")
	if err != nil {
		return nil, err
	}
	answer, err := guest.Login(ctx, &mautrix.ReqLogin{
		Type:                     mautrix.AuthTypePassword,
		Identifier:               mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: p.UserID.Localpart()},
		Password:                 p.Password,
		InitialDeviceDisplayName: device,
	})
	if err != nil {
		return nil, err
	}
	other := &Person{Password: p.Password, news: make(chan struct{})}
	return other, other.connect(s.URL, answer.UserID, answer.DeviceID, answer.AccessToken)
}

// connect makes the client; it does not follow yet.
func (p *Person) connect(url string, user id.UserID, device id.DeviceID, token string) error {
	client, err := mautrix.NewClient(url, user, token)
	if err != nil {
		return err
	}
	client.DeviceID = device
	client.Log = zerolog.Nop()
	client.StateStore = mautrix.NewMemoryStateStore()
	syncer := patientSyncer{mautrix.NewDefaultSyncer()}
	syncer.OnEvent(client.StateStoreSyncHandler)
	syncer.OnEvent(p.hear)
	client.Syncer = syncer
	p.Client = client
	return nil
}

// Follow starts the long-polling sync; Leave ends it.
func (p *Person) Follow(ctx context.Context) {
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.stopped = make(chan struct{})
	go func() {
		defer close(p.stopped)
		_ = p.SyncWithContext(ctx) // ends with the context, or with the token; waits then fail
	}()
}

// Leave ends what Follow began.
func (p *Person) Leave() {
	if p.stop != nil {
		p.stop()
		<-p.stopped
	}
}

func (p *Person) hear(_ context.Context, evt *event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, evt)
	close(p.news)
	p.news = make(chan struct{})
}

// Until waits for an event that is wanted, one heard before or one to come.
func (p *Person) Until(ctx context.Context, what string, wanted func(*event.Event) bool) (*event.Event, error) {
	for seen := 0; ; {
		p.mu.Lock()
		heard, news := p.heard, p.news
		p.mu.Unlock()
		for _, evt := range heard[seen:] {
			if wanted(evt) {
				return evt, nil
			}
		}
		seen = len(heard)
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s waited in vain: %s", p.UserID, what)
		}
	}
}

// Hears waits for the event with that ID.
func (p *Person) Hears(ctx context.Context, eventID id.EventID) (*event.Event, error) {
	return p.Until(ctx, "event "+eventID.String(), func(evt *event.Event) bool { return evt.ID == eventID })
}

// Sees waits for a membership of somebody in a room, as sync tells it.
func (p *Person) Sees(ctx context.Context, room id.RoomID, user id.UserID, membership event.Membership) (*event.Event, error) {
	return p.Until(ctx, fmt.Sprintf("%s to be %s", user, membership), func(evt *event.Event) bool {
		return evt.RoomID == room && evt.Type == event.StateMember && evt.GetStateKey() == user.String() &&
			evt.Content.AsMember().Membership == membership
	})
}

// Count says how often the event with that ID was heard.
func (p *Person) Count(eventID id.EventID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, evt := range p.heard {
		if evt.ID == eventID {
			n++
		}
	}
	return n
}

// Order is in which order, and how often, the person heard these events.
func (p *Person) Order(of []id.EventID) []id.EventID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var got []id.EventID
	for _, evt := range p.heard {
		if slices.Contains(of, evt.ID) {
			got = append(got, evt.ID)
		}
	}
	return got
}

// Say sends a text and answers its event ID.
func (p *Person) Say(ctx context.Context, room id.RoomID, text string) (id.EventID, error) {
	answer, err := p.SendText(ctx, room, text)
	if err != nil {
		return "", err
	}
	return answer.EventID, nil
}

// History is all events of a room by paging, newest first.
func (p *Person) History(ctx context.Context, room id.RoomID, limit int) ([]*event.Event, error) {
	var all []*event.Event
	for from := ""; ; {
		page, err := p.Messages(ctx, room, from, "", mautrix.DirectionBackward, nil, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Chunk...)
		if page.End == "" || len(page.Chunk) == 0 {
			return all, nil
		}
		from = page.End
	}
}
