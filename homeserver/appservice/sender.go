package appservice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/appservices"
)

// Sources are what services are told of.
type Sources struct {
	DB       *storage.DB
	Rooms    *rooms.Rooms
	Data     *userdata.Data
	Keys     *e2ee.Keys
	ToDevice *todevice.Sender
	Devices  todevice.Devices
	Now      func() time.Time // nil: time.Now
}

// Sender tells services what happened.
type Sender struct {
	Sources
	registry *Registry
	log      *slog.Logger
	from     matrix.Position // where a service begins that is new
	serial   int64           // the same for typing and presence
}

// NewSender returns the Sender for the services of a registry. The caller runs
// Run.
func NewSender(r *Registry, from Sources, log *slog.Logger) *Sender {
	if from.Now == nil {
		from.Now = time.Now
	}
	return &Sender{Sources: from, registry: r, log: log, from: from.DB.Committed(), serial: from.Data.Serial()}
}

// Run tells all services what happens, until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	var ids []string
	for _, service := range s.registry.services {
		ids = append(ids, service.ID)
	}
	// A service that comes back after its registration was taken away is a new
	// one: it must not be told of the months without it.
	err := s.DB.Write(ctx, func(tx *storage.Tx) error { return appservices.KeepOnly(ctx, tx, ids) })
	if err != nil {
		return unlessEnded(ctx, err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, service := range s.registry.services {
		if service.URL == "" {
			continue
		}
		c, err := s.courier(ctx, service)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		all.Go(func() { c.run(ctx) })
	}
	<-ctx.Done()
	return nil
}

// unlessEnded returns nil for an error that comes from the end of ctx.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// courier reads how far a service has been told.
func (s *Sender) courier(ctx context.Context, service *Service) (*courier, error) {
	c := &courier{s: s, to: service, typing: s.serial, presence: s.serial, log: s.log.With(slog.String("service", service.ID))}
	var err error
	if c.inside, err = newInside(s.Rooms, service); err != nil {
		return nil, err
	}
	known := false
	err = s.DB.Read(ctx, func(tx *storage.Tx) error {
		c.at, known, err = appservices.Load(ctx, tx, service.ID)
		return err
	})
	if err == nil && !known {
		// Numbers go on from the time, so that they are never given out again,
		// whatever becomes of the database: a service may remember them.
		c.at = appservices.Progress{Pos: s.from, Txn: s.Now().UnixMilli()}
		err = c.save(ctx, c.at)
	}
	c.saved = c.at.Pos
	if err != nil {
		return nil, fmt.Errorf("application service %s: %w", service.ID, err)
	}
	return c, nil
}
