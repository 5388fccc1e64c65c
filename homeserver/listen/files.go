package listen

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at, at most.
const lookEvery = 10 * time.Second

// Files returns the certificate in two files of PEM: the certificate with
// those that vouch for it, and its key. When the files change, connections
// from then on get the new one. Files that do not fit together, as in the
// middle of a renewal, leave the old one in use.
func Files(certificate, key string, log *slog.Logger) (*tls.Config, error) {
	f := &files{certificate: certificate, key: key, log: log, now: time.Now}
	if err := f.load(); err != nil {
		return nil, err
	}
	return config(f.get), nil
}

// files is a certificate that is kept in files.
type files struct {
	certificate, key string
	log              *slog.Logger
	now              func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]sameFile // both files, as last read
	looked  time.Time
}

// get returns the current certificate.
func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.looked) >= lookEvery {
		if err := f.load(); err != nil {
			f.log.Warn("the renewed certificate cannot be used", "err", err)
		}
	}
	return f.current, nil
}

// load reads the files if they have changed since they were last read.
func (f *files) load() error {
	f.looked = f.now()
	certificate, err := lookAt(f.certificate)
	if err != nil {
		return err
	}
	key, err := lookAt(f.key)
	if err != nil {
		return err
	}
	if seen := [2]sameFile{certificate, key}; seen == f.seen {
		return nil
	} else {
		f.seen = seen
	}
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", f.certificate, f.key, err)
	}
	f.current = &pair
	return nil
}
