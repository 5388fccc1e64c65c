package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/devicekeys"
	"plenum/storage/dump"
)

// leap is how many positions a restored server leaves out. Clients may have
// seen positions that were issued after the backup; those must not come again
// with another meaning. There is room for a hundred million restores.
const leap = 1 << 36

// errChanged is returned when a backup is not any more what was verified.
var errChanged = fmt.Errorf("%w: it changed while it was read", ErrRefused)

// Restore builds the server from a backup, which Verify has read before and
// found to be as in report. It also writes settings, which are files by their
// name; the content of one may be OldSettings. When it fails, or ctx ends,
// everything is undone; what a process leaves that is killed, the next Claim
// deletes.
func (p *Place) Restore(ctx context.Context, r io.Reader, identities []age.Identity, report Report, settings map[string]string) error {
	b := &builder{ctx: ctx, place: p, report: report, settings: settings, files: map[string]string{}}
	err := b.build(inContext(ctx, r), identities)
	if err == nil {
		return p.leave()
	}
	ctx = context.WithoutCancel(ctx)
	if b.loader != nil {
		err = errors.Join(err, b.loader.Abandon(ctx))
	}
	return errors.Join(err, p.Undo())
}

// builder is the visitor that writes what it is told.
type builder struct {
	ctx    context.Context
	place  *Place
	report Report

	settings map[string]string // files to be written

	files    map[string]string // small ones, by their name in the backup
	loader   *dump.Loader      // nil before and after
	importer *blob.Importer
	current  *blob.Import
}

func (b *builder) build(r io.Reader, identities []age.Identity) (err error) {
	if err := b.place.mark(b.report.end.SHA256); err != nil {
		return err
	}
	for path, content := range b.settings {
		if content == OldSettings {
			continue
		}
		if err := absent(path, []byte(content)); err != nil {
			return err
		}
	}
	if b.importer, err = blob.NewImporter(b.place.target.MediaFolder); err != nil {
		return err
	}
	defer b.discard()
	_, end, err := walk(r, identities, b)
	if err != nil {
		return err
	}
	if end.SHA256 != b.report.end.SHA256 {
		return errChanged
	}
	if err := b.importer.Close(); err != nil {
		return err
	}
	if err := b.loader.Check(b.ctx, end.Tables); err != nil {
		return err
	}
	if err := b.place.put(b.place.target.SigningKeyFile, []byte(b.files[formSigningKey])); err != nil {
		return err
	}
	if err := b.place.put(b.place.target.MediaKeyFile, []byte(b.files[formMediaKey])); err != nil {
		return err
	}
	for path, content := range b.settings {
		if content == OldSettings {
			content = b.files[formSettings]
		}
		if err := b.place.put(path, []byte(content)); err != nil {
			return err
		}
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if err := b.loader.Finish(context.WithoutCancel(b.ctx), b.settle); err != nil {
		return err
	}
	b.loader = nil
	return nil
}

// settle changes what must not be in a restored database as it was.
func (b *builder) settle(tx *storage.Tx) error {
	ctx := context.WithoutCancel(b.ctx)
	clock, err := storage.Clock(ctx, tx)
	if err != nil {
		return err
	}
	if clock != b.report.Schema.Clock {
		return fmt.Errorf("%w: the clock says %d, want %d", ErrRefused, clock, b.report.Schema.Clock)
	}
	pos := clock + matrix.Position(leap)
	return errors.Join(
		storage.SetClock(ctx, tx, pos),
		devicekeys.Restored(ctx, tx, pos),
		storage.SetMeta(ctx, tx, metaRestored, b.report.end.SHA256))
}

func (b *builder) header(h Header) (err error) {
	b.loader, err = dump.NewLoader(b.ctx, b.place.target.Database, h.Schema)
	return err
}

// file keeps the content until the end. A key that is there already has to be
// the same.
func (b *builder) file(name string, content []byte) error {
	b.files[name] = string(content)
	switch name {
	case formSigningKey:
		return absent(b.place.target.SigningKeyFile, content)
	case formMediaKey:
		return absent(b.place.target.MediaKeyFile, content)
	}
	return nil
}

func (b *builder) rows(table int, rows []byte) error { return b.loader.Rows(b.ctx, table, rows) }

func (b *builder) blob(id blob.ID, _ int64) (err error) {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	b.current, err = b.importer.Create(id)
	return err
}

func (b *builder) data(part []byte) error {
	_, err := b.current.Write(part)
	return err
}

// blobEnd leaves out a blob that is not whole: it could not be read.
func (b *builder) blobEnd(whole bool) error {
	if !whole {
		b.discard()
		return nil
	}
	err := b.current.Keep()
	b.current = nil
	return err
}

func (b *builder) discard() {
	if b.current != nil {
		b.current.Discard()
		b.current = nil
	}
}
