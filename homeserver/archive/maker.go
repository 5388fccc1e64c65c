package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"filippo.io/age"

	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

// ErrBusy is returned when a backup is being made already.
var ErrBusy = errors.New("another backup is being made")

var (
	errStops  = errors.New("the server stops")
	errClosed = errors.New("nobody reads the backup any more")
)

// Source is the server that is backed up.
type Source struct {
	DB         *storage.DB
	Blobs      *blob.Store
	Media      *mediastore.Store
	ServerName string
	Program    string // version
	Throwaway  bool

	SigningKeyFile, MediaKeyFile string
	SettingsFile                 string // "" if there is none
	Folder                       string // for a temporary file

	Now func() time.Time // nil means time.Now
}

// Maker makes backups of a running server, one at a time.
type Maker struct {
	source Source
	log    *slog.Logger

	mu      sync.Mutex
	stopped bool
	current *Stream
}

// NewMaker returns a Maker. The caller runs Run.
func NewMaker(source Source, log *slog.Logger) *Maker {
	if source.Now == nil {
		source.Now = time.Now
	}
	return &Maker{source: source, log: log}
}

// Run lives until ctx ends. Then it breaks off the backup that is being made.
func (m *Maker) Run(ctx context.Context) error {
	<-ctx.Done()
	m.mu.Lock()
	m.stopped = true
	current := m.current
	m.mu.Unlock()
	if current != nil {
		current.cancel(errStops)
		<-current.done
	}
	return nil
}

// Stream is a backup while it is made. The caller reads it to its end, and
// closes it.
type Stream struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	pipe    *io.PipeReader
	done    chan struct{}
	summary Summary // once done, if err is nil
	err     error
}

// Start begins a backup that whoever has an identity of one of the recipients
// can read. It is broken off when ctx ends. The error is ErrBusy while there
// is another.
func (m *Maker) Start(ctx context.Context, recipients []age.Recipient) (*Stream, error) {
	if len(recipients) == 0 {
		return nil, errors.New("a backup needs a public key to be encrypted to")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil, storage.ErrClosed
	}
	if m.current != nil {
		return nil, ErrBusy
	}
	ctx, cancel := context.WithCancelCause(ctx)
	read, write := io.Pipe()
	s := &Stream{ctx: ctx, cancel: cancel, pipe: read, done: make(chan struct{})}
	still := context.AfterFunc(ctx, func() { _ = read.CloseWithError(context.Cause(ctx)) })
	m.current = s
	go func() {
		s.summary, s.err = m.write(ctx, write, recipients)
		if still(); s.err != nil { // else what is written is read to its end
			cancel(s.err)
		}
		m.mu.Lock()
		m.current = nil
		m.mu.Unlock()
		close(s.done)
		_ = write.CloseWithError(s.err) // nil is the end
	}()
	return s, nil
}

// Broken returns a context that ends when the backup breaks off, or is closed.
func (s *Stream) Broken() context.Context { return s.ctx }

// Read reads the encrypted backup. It returns an error other than io.EOF when
// the backup could not be made: what was read until then is useless.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.pipe.Read(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = context.Cause(s.ctx)
	}
	return n, err
}

// Close breaks off the backup if it was not read to its end.
func (s *Stream) Close() error {
	s.cancel(errClosed)
	<-s.done
	return nil
}

// Summary returns what is in the backup, after the last Read.
func (s *Stream) Summary() (Summary, error) {
	<-s.done
	return s.summary, s.err
}

// write writes one backup.
func (m *Maker) write(ctx context.Context, w io.Writer, recipients []age.Recipient) (Summary, error) {
	start := m.source.Now()
	summary, err := m.protected(ctx, w, recipients, start)
	took := slog.Duration("took", m.source.Now().Sub(start))
	if err != nil {
		m.log.LogAttrs(ctx, slog.LevelError, "the backup failed", took, slog.Any("err", err))
		return summary, err
	}
	m.log.LogAttrs(ctx, slog.LevelInfo, "a backup was made", took, slog.Int64("bytes", summary.Bytes), slog.Int64("blobs", summary.Media.Blobs))
	if summary.Media.Lost > 0 {
		m.log.LogAttrs(ctx, slog.LevelWarn, "files are missing in the media folder or cannot be read", slog.Int64("blobs", summary.Media.Lost))
	}
	return summary, nil
}

// protected turns a panic into an error: the server goes on without a backup.
func (m *Maker) protected(ctx context.Context, w io.Writer, recipients []age.Recipient, now time.Time) (_ Summary, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return m.encrypt(ctx, w, recipients, now)
}

// encrypt ends the encryption only if everything is written: only then age has
// a last chunk, without which nobody can read it to the end.
func (m *Maker) encrypt(ctx context.Context, w io.Writer, recipients []age.Recipient, now time.Time) (Summary, error) {
	cipher, err := age.Encrypt(w, recipients...)
	if err != nil {
		return Summary{}, err
	}
	b, err := newBackup(m.source, cipher, now)
	if err != nil {
		return Summary{}, err
	}
	defer b.list.close()
	if err := b.write(ctx); err != nil {
		return Summary{}, err
	}
	return newSummary(b.header, b.end, b.frames.size), cipher.Close()
}
