package archive

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"plenum/storage/blob"
	"plenum/storage/dump"
	"plenum/storage/mediastore"
)

// backup writes the frames of one backup.
type backup struct {
	source Source
	frames *frameWriter
	rows   *packer
	list   *spool // of the blobs
	made   time.Time

	header Header
	blobs  blobColumn
	end    trailer
	part   []byte // buffer for blobs
}

// newBackup begins a backup. The caller closes its list.
func newBackup(source Source, w io.Writer, now time.Time) (*backup, error) {
	frames, err := newFrameWriter(w)
	if err != nil {
		return nil, err
	}
	list, err := newSpool(source.Folder)
	if err != nil {
		return nil, err
	}
	return &backup{source: source, frames: frames, rows: newPacker(frames), list: list, made: now}, nil
}

// write writes everything.
func (b *backup) write(ctx context.Context) error {
	if err := b.database(ctx); err != nil {
		return err
	}
	return b.media(ctx)
}

// database writes what is of one moment.
func (b *backup) database(ctx context.Context) error {
	if err := dump.Read(ctx, b.source.DB, b.begin, b.row); err != nil {
		return err
	}
	return b.rows.flush()
}

// media writes the blobs of that moment, as far as they are still there, and
// the end.
func (b *backup) media(ctx context.Context) error {
	b.part = make([]byte, blobPart)
	if err := b.list.each(func(id blob.ID) error { return b.blob(ctx, id) }); err != nil {
		return err
	}
	b.end.SHA256 = hex.EncodeToString(b.frames.hash.Sum(nil))
	return b.json(frameEnd, b.end)
}

func (b *backup) json(kind byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.frames.frame(kind, raw)
}

// begin writes what comes before the rows.
func (b *backup) begin(schema dump.Schema) (err error) {
	b.header = Header{
		Server: b.source.ServerName, Program: b.source.Program, MadeMS: b.made.UnixMilli(),
		Throwaway: b.source.Throwaway, Schema: schema,
	}
	if b.blobs, err = findBlobColumn(schema); err != nil {
		return err
	}
	b.end.Tables = make([]dump.Digest, len(schema.Tables))
	if err := b.json(frameHeader, b.header); err != nil {
		return err
	}
	for _, f := range []struct{ name, path string }{
		{formSigningKey, b.source.SigningKeyFile}, {formMediaKey, b.source.MediaKeyFile}, {formSettings, b.source.SettingsFile},
	} {
		if err := b.file(f.name, f.path); err != nil {
			return err
		}
	}
	return nil
}

// file writes a small file of the server.
func (b *backup) file(name, path string) error {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("a file that belongs into the backup: %w", err)
	}
	if len(content) > maxFile {
		return fmt.Errorf("%s has %d bytes, too many for a backup", path, len(content))
	}
	return b.frames.frame(frameFile, binary.AppendUvarint(nil, uint64(len(name))), []byte(name), content)
}

// row writes a row, and remembers the blob that it names.
func (b *backup) row(table int, row []byte) error {
	b.end.Tables[table].Add(row)
	id, ok, err := b.blobs.of(table, row)
	if err == nil && ok {
		err = b.list.add(id)
	}
	if err != nil {
		return err
	}
	return b.rows.add(table, row)
}

// blob writes a blob, or that it is not there.
func (b *backup) blob(ctx context.Context, id blob.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, size, err := b.source.Blobs.OpenEncrypted(id)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EIO):
		return b.gone(ctx, id)
	case err != nil:
		return err
	}
	defer f.Close()
	if err := b.frames.frame(frameBlob, binary.AppendUvarint(nil, uint64(size)), []byte(id)); err != nil {
		return err
	}
	for left := size; left > 0; {
		n, err := f.Read(b.part[:min(left, blobPart)])
		if n > 0 {
			if err := b.frames.frame(frameData, b.part[:n]); err != nil {
				return err
			}
			left -= int64(n)
		}
		if err != nil && (left > 0 || err != io.EOF) { // the disk fails; save what else there is
			b.end.Media.Lost++
			return b.frames.frame(frameUnread)
		}
	}
	b.end.Media.Blobs++
	b.end.Media.Bytes += size
	return nil
}

// gone writes that a blob is not there, and whether that is as it should be.
func (b *backup) gone(ctx context.Context, id blob.ID) error {
	held, err := b.source.Media.Holds(ctx, id.Hash(), string(id))
	if err != nil {
		return err
	}
	why := byte(goneDeleted)
	b.end.Media.Deleted++
	if held {
		why = goneLost
		b.end.Media.Deleted--
		b.end.Media.Lost++
	}
	return b.frames.frame(frameGone, []byte{why}, []byte(id))
}

// blobColumn is where the rows name blobs.
type blobColumn struct {
	table, column int
	columns       []dump.Column
}

// findBlobColumn looks for it in a schema.
func findBlobColumn(s dump.Schema) (blobColumn, error) {
	for i, t := range s.Tables {
		if t.Name != mediastore.BlobTable {
			continue
		}
		for j, c := range t.Columns {
			if c.Name == mediastore.BlobFile {
				return blobColumn{i, j, t.Columns}, nil
			}
		}
	}
	return blobColumn{}, fmt.Errorf("%w: there is no table of blobs", errBroken)
}

// of returns the blob that a row names, and false if the row is of another
// table.
func (c blobColumn) of(table int, row []byte) (blob.ID, bool, error) {
	if table != c.table {
		return "", false, nil
	}
	name, err := dump.Text(c.columns, row, c.column)
	return blob.ID(name), true, err
}
