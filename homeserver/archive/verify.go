package archive

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/blob"
)

// Report is what Verify found.
type Report struct {
	Summary
	// SigningKey is the name and the public half of the server's signing key.
	// A backup that somebody else has made has another one, unless that key
	// was stolen.
	SigningKey  string
	HasSettings bool
	Damaged     int64     // blobs that were damaged already on the disk of the server
	DamagedOf   []blob.ID // the first few of them

	end trailer
}

// maxNamed is how many damaged blobs a Report names.
const maxNamed = 10

// Verify reads a backup to its end without writing anything. It makes sure
// that it is whole, that every row can be stored, and that every blob can be
// read with the key that comes with it. Damaged blobs are no error, since
// there is nothing better to restore. Errors are ErrRefused, ErrIdentity, and
// faults of r.
func Verify(ctx context.Context, r io.Reader, identities []age.Identity) (Report, error) {
	c := &checker{}
	defer func() { _ = c.stop() }()
	summary, end, err := walk(inContext(ctx, r), identities, c)
	if err != nil {
		return Report{}, err
	}
	c.report.Summary, c.report.end = summary, end
	return c.report, nil
}

// checker is the visitor of Verify.
type checker struct {
	report Report
	key    *blob.Key

	id     blob.ID
	write  *io.PipeWriter // to whoever reads the blob
	result chan error
}

func (c *checker) header(h Header) error {
	const most = 1 << 62
	if h.Schema.Clock < 0 || h.Schema.Clock > most {
		return fmt.Errorf("%w: the clock says %d", ErrRefused, h.Schema.Clock)
	}
	return storage.KnowsAll(h.Schema.Migrations)
}

func (c *checker) file(name string, content []byte) (err error) {
	switch name {
	case formSigningKey:
		id, key, err := event.ParseKey(string(content))
		if err != nil {
			return fmt.Errorf("%w: signing key: %w", ErrRefused, err)
		}
		public := key.Public().(ed25519.PublicKey)
		c.report.SigningKey = id + " " + base64.RawStdEncoding.EncodeToString(public)
	case formMediaKey:
		if c.key, err = blob.ParseKey(content); err != nil {
			return fmt.Errorf("%w: media key: %w", ErrRefused, err)
		}
	case formSettings:
		c.report.HasSettings = true
	}
	return nil
}

func (c *checker) rows(int, []byte) error { return nil }

// blob lets the key read the blob beside us, while its parts come in.
func (c *checker) blob(id blob.ID, _ int64) error {
	if c.key == nil {
		return fmt.Errorf("%w: a blob before its key", ErrRefused)
	}
	read, write := io.Pipe()
	c.id, c.write, c.result = id, write, make(chan error, 1)
	go func() {
		err := c.key.Check(id, read)
		_ = read.CloseWithError(errEnough) // what still comes is not looked at
		c.result <- err
	}()
	return nil
}

// errEnough ends the reading of a blob that is known to be damaged.
var errEnough = errors.New("enough of it")

func (c *checker) data(part []byte) error {
	_, err := c.write.Write(part)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

func (c *checker) blobEnd(whole bool) error {
	err := c.stop()
	if !whole || err == nil { // the summary counts those that are not whole
		return nil
	}
	c.report.Damaged++
	if len(c.report.DamagedOf) < maxNamed {
		c.report.DamagedOf = append(c.report.DamagedOf, c.id)
	}
	return nil
}

// stop ends the reading of a blob, if there is one, and returns what came of it.
func (c *checker) stop() error {
	if c.write == nil {
		return nil
	}
	_ = c.write.Close()
	c.write = nil
	return <-c.result
}
