package inbound

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"maunium.net/go/mautrix/id"
)

// Rooms take in events. *rooms.Rooms does.
type Rooms interface {
	Receive(ctx context.Context, origin string, raw json.RawMessage) (id.EventID, error)
	ServerMayTalk(ctx context.Context, room id.RoomID, server string) (bool, error)
}

// EDUHandler takes in what is not an event, such as that somebody types. An
// error that is a *matrix.Error says that it is not as it should be, which the
// sender cannot mend; any other one makes the whole transaction fail, so that
// it comes again.
type EDUHandler func(ctx context.Context, origin string, content json.RawMessage) error

// Options are the bounds of an Inbound. A zero field means its default.
type Options struct {
	PerOrigin int           // transactions of one server under way; 8
	Total     int           // of all servers; 200
	RoomsAt   int64         // rooms in which events of one server are handled at a time; 8
	Patience  time.Duration // until a transaction is answered though events of it are still being handled; 1 min
	PerEvent  time.Duration // for one event and what it is built on; 5 min
	PerEDU    time.Duration // 30 s
}

func (o Options) withDefaults() Options {
	if o.PerOrigin == 0 {
		o.PerOrigin = 8
	}
	if o.Total == 0 {
		o.Total = 200
	}
	if o.RoomsAt == 0 {
		o.RoomsAt = 8
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.PerEvent == 0 {
		o.PerEvent = 5 * time.Minute
	}
	if o.PerEDU == 0 {
		o.PerEDU = 30 * time.Second
	}
	return o
}

// Inbound takes in transactions. It is safe for use by many goroutines.
type Inbound struct {
	rooms   Rooms
	edus    map[string]EDUHandler
	opt     Options
	log     *slog.Logger
	metrics *metrics

	life    context.Context // of what goes on after the answer
	end     context.CancelFunc
	working sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	origins map[string]*origin // with something under way
	total   int                // transactions under way
	heard   *lru.Cache[txnKey, *outcome]
}

// New returns an Inbound that hands events to r and the rest to edus, by
// edu_type. The caller runs Run.
func New(r Rooms, edus map[string]EDUHandler, opt Options, log *slog.Logger) (*Inbound, error) {
	heard, err := lru.New[txnKey, *outcome](remembered)
	if err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	life, end := context.WithCancel(context.Background())
	return &Inbound{
		rooms: r, edus: edus, opt: opt, log: log, metrics: newMetrics(),
		life: life, end: end, origins: map[string]*origin{}, heard: heard,
	}, nil
}

// Collectors are the figures of what came in.
func (in *Inbound) Collectors() []prometheus.Collector {
	return []prometheus.Collector{in.metrics.transactions, in.metrics.pdus, in.metrics.edus}
}

// Run ends what is still being handled when ctx ends, and waits for it.
func (in *Inbound) Run(ctx context.Context) error {
	<-ctx.Done()
	in.mu.Lock()
	in.stopped = true
	in.mu.Unlock()
	in.end()
	in.working.Wait()
	return nil
}
