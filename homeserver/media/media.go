package media

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"plenum/homeserver/media/picture"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

// Options are the limits of a Media. A zero field means its default.
type Options struct {
	ServerName    string        // of this server; required
	MaxUpload     int64         // bytes of one file, from users and from other servers; 50 MiB
	Quota         int64         // bytes of one user; no limit
	MaxPending    int           // created, not yet uploaded media of one user; 20
	PendingLife   time.Duration // how long created media can be uploaded; 24 h
	MaxWait       time.Duration // longest wait of a download for an upload; 60 s
	MaxPixels     int64         // of images that thumbnails are made of; 64 million
	MaxFrames     int           // of animations shown as animated thumbnails; 1,000
	MaxAnimated   int64         // bytes of animations shown as animated thumbnails; 5 MiB
	MaxThumbnail  int           // longest side of thumbnails in pixels; 1,600
	MaxThumbnails int           // kept of one image; 20
	DecodeMemory  int64         // bytes for decoding images, all together; 512 MiB
	Decoders      int           // images decoded at once; half of the processors
	RemoteLife    time.Duration // how long other servers' media is kept; for ever
	KeepMetadata  bool          // store images as they come, with place and device
	Remote        Remote        // fetches other servers' media; nil: there is none
}

// withDefaults fills in the zero fields.
func (o Options) withDefaults() Options {
	o.MaxUpload = cmp.Or(o.MaxUpload, 50<<20)
	o.MaxPending = cmp.Or(o.MaxPending, 20)
	o.PendingLife = cmp.Or(o.PendingLife, 24*time.Hour)
	o.MaxWait = cmp.Or(o.MaxWait, time.Minute)
	o.MaxPixels = cmp.Or(o.MaxPixels, 64_000_000)
	o.MaxFrames = cmp.Or(o.MaxFrames, 1000)
	o.MaxAnimated = cmp.Or(o.MaxAnimated, 5<<20)
	o.MaxThumbnail = cmp.Or(o.MaxThumbnail, 1600)
	o.MaxThumbnails = cmp.Or(o.MaxThumbnails, 20)
	o.DecodeMemory = cmp.Or(o.DecodeMemory, 512<<20)
	o.Decoders = cmp.Or(o.Decoders, max(1, runtime.GOMAXPROCS(0)/2))
	return o
}

// Media stores and serves files. Its methods may be called concurrently.
type Media struct {
	store  *mediastore.Store
	blobs  *blob.Store
	opts   Options
	log    *slog.Logger
	now    func() time.Time
	memory *semaphore.Weighted // bytes for decoding
	flight singleflight.Group  // one fetch or thumbnail of a kind at a time
}

// New returns a Media over its tables and its blobs. The caller runs Run, which
// also settles what a crash has left.
func New(store *mediastore.Store, blobs *blob.Store, opts Options, log *slog.Logger) *Media {
	opts = opts.withDefaults()
	return &Media{
		store: store, blobs: blobs, opts: opts, log: log,
		now:    time.Now,
		memory: semaphore.NewWeighted(opts.DecodeMemory),
	}
}

// MaxUpload returns how many bytes a file may have.
//
// Spec: client-server-api#get_matrixclientv1mediaconfig
func (m *Media) MaxUpload() int64 { return m.opts.MaxUpload }

func (m *Media) limits() picture.Limits { return picture.Limits{Pixels: m.opts.MaxPixels} }

// tidyEvery is how often Run looks for what has expired.
const tidyEvery = 10 * time.Minute

// expiryGrace keeps an expired reservation for an upload that has begun in time.
const expiryGrace = time.Hour

// Run settles what a crash has left and then removes what has expired, until
// ctx ends.
func (m *Media) Run(ctx context.Context) error {
	m.settleLeftover(ctx)
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		m.tidy(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// settleLeftover places or discards the blobs that were sealed when an
// earlier process ended: the database knows which of them it had counted.
func (m *Media) settleLeftover(ctx context.Context) {
	for _, file := range m.blobs.Leftover() {
		held, err := m.store.Holds(ctx, file.Hash(), string(file))
		switch {
		case err != nil:
		case held:
			err = m.blobs.Place(file)
		default:
			err = m.blobs.Discard(file)
		}
		if err != nil {
			m.log.LogAttrs(ctx, slog.LevelError, "settle media left by a crash", slog.Any("err", err))
		}
	}
}

// tidy removes what has expired. A failure is tried again next time.
func (m *Media) tidy(ctx context.Context) {
	now := m.now()
	_, err := m.store.Expire(ctx, now.Add(-expiryGrace).UnixMilli())
	if err == nil && m.opts.RemoteLife > 0 {
		_, err = m.store.ExpireRemote(ctx, now.Add(-m.opts.RemoteLife).UnixMilli())
	}
	if err == nil {
		err = m.sweep(ctx)
	}
	if err != nil && ctx.Err() == nil {
		m.log.LogAttrs(ctx, slog.LevelError, "tidy media", slog.Any("err", err))
	}
}
