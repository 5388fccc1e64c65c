package archive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"plenum/storage"
)

// Marker is the name of the file in the data folder that says that it is half
// restored.
const Marker = "RESTORING"

// lockName is the file by whose lock two processes keep from restoring to the
// same folder.
const lockName = ".restoring.lock"

const markerText = "\"plenum restore\" is at work here, or was interrupted. Nothing in this folder is\n" +
	"worth keeping: begin the restore again, which deletes it.\n"

// metaRestored is the fact about a database from which backup it was restored.
const metaRestored = "restored"

var (
	// ErrNotEmpty is returned for a place at which there is something already.
	ErrNotEmpty = errors.New("a backup is restored to an empty place only")
	// ErrComplete is returned when an earlier restore was interrupted when all
	// but the marker was done. It is removed now.
	ErrComplete = errors.New("the earlier restore is complete")
)

// Target is where a server is to be restored to.
type Target struct {
	Database       storage.Config
	Folder         string // of the data; the media are in MediaFolder, which is below
	MediaFolder    string
	SigningKeyFile string
	MediaKeyFile   string
}

// OldSettings stands for the content of the settings file in the backup.
const OldSettings = "\x00old settings"

// Check reports whether there is nothing in the target, or only what an
// interrupted restore has left. The error is ErrNotEmpty otherwise.
func (t Target) Check(ctx context.Context) error {
	_, err := t.look(ctx)
	return err
}

// look also returns the marker that was found, "" if there is none.
func (t Target) look(ctx context.Context) (marker string, err error) {
	raw, err := os.ReadFile(filepath.Join(t.Folder, Marker))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	marker = string(raw)
	if marker == "" {
		names, err := contents(t.Folder)
		if err != nil {
			return "", err
		}
		if len(names) > 0 {
			return "", fmt.Errorf("%w, but in %s there is %s", ErrNotEmpty, t.Folder, names[0])
		}
	}
	found, err := storage.Peek(ctx, t.Database)
	if err != nil {
		return "", err
	}
	switch {
	case found.Empty, found.Unfinished:
	case marker != "" && found.Meta[metaRestored] != "" && found.Meta[metaRestored] == markedHash(marker):
		return marker, ErrComplete
	case marker != "" && strings.HasPrefix(t.Database.DSN, t.Folder+string(filepath.Separator)):
	default:
		return "", fmt.Errorf("%w, but there is something in the database", ErrNotEmpty)
	}
	return marker, nil
}

// contents lists what is in a folder, which need not exist. The root of a file
// system may have a folder of its own.
func contents(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lost+found" && e.Name() != lockName {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

var hashLine = regexp.MustCompile(`(?m)^backup ([0-9a-f]{64})$`)

// markedHash returns the hash of the backup that a marker names, or "".
func markedHash(marker string) string {
	m := hashLine.FindStringSubmatch(marker)
	if m == nil {
		return ""
	}
	return m[1]
}

// Place is a target that is being filled. It ends with Restore or Undo.
type Place struct {
	target  Target
	lock    io.Closer
	made    bool     // the folder
	written []string // files outside of it
	folders []string // made for these
	Again   bool     // an interrupted restore had left something, which is deleted now
}

// Claim marks the target as half restored. Nobody can use it from then on. It
// deletes what an interrupted restore has left. Errors are those of Check, and
// ErrComplete.
func Claim(ctx context.Context, t Target) (_ *Place, err error) {
	if err := t.Check(ctx); err != nil && !errors.Is(err, ErrComplete) {
		return nil, err // before a lock file is made in somebody else's folder
	}
	p := &Place{target: t}
	if _, err := os.Stat(t.Folder); errors.Is(err, fs.ErrNotExist) {
		p.made = true
	}
	if err := os.MkdirAll(t.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if p.lock, err = storage.Lock(filepath.Join(t.Folder, lockName)); err != nil {
		return nil, err
	}
	marker, err := t.look(ctx)
	if errors.Is(err, ErrComplete) {
		return nil, errors.Join(ErrComplete, p.leave())
	}
	if err != nil {
		return nil, errors.Join(err, p.unlock())
	}
	p.Again = marker != ""
	if err = writeFile(p.marker(), []byte(markerText)); err == nil {
		err = p.clear()
	}
	if err != nil {
		return nil, errors.Join(err, p.Undo())
	}
	return p, nil
}

// leave ends the work at the place, which is done.
func (p *Place) leave() error {
	err := os.Remove(p.spool())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, remove(p.marker()), p.unlock())
}

func (p *Place) unlock() error {
	return errors.Join(os.Remove(filepath.Join(p.target.Folder, lockName)), p.lock.Close())
}

func (p *Place) spool() string { return filepath.Join(p.target.Folder, "backup.age") }

func (p *Place) marker() string { return filepath.Join(p.target.Folder, Marker) }

// Spool copies r, which cannot be read twice, to a file in the target, which
// goes when the restore ends. The caller closes it.
func (p *Place) Spool(ctx context.Context, r io.Reader) (*os.File, error) {
	file, err := os.OpenFile(p.spool(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(file, inContext(ctx, r))
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Undo deletes everything that was written.
func (p *Place) Undo() error {
	var errs []error
	for _, path := range p.written {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, dir := range p.folders {
		_ = os.Remove(dir) // unless somebody else uses it by now
	}
	errs = append(errs, p.clear())
	if err := errors.Join(errs...); err != nil {
		return errors.Join(err, p.lock.Close()) // the marker stays
	}
	if err := errors.Join(remove(p.marker()), p.unlock()); err != nil {
		return err
	}
	if p.made {
		return os.Remove(p.target.Folder)
	}
	return nil
}

// clear deletes what is in the folder besides the marker.
func (p *Place) clear() error {
	names, err := contents(p.target.Folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == Marker {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.target.Folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// mark notes in the marker which backup is being restored.
func (p *Place) mark(hash string) error {
	if _, err := hex.DecodeString(hash); err != nil {
		return err
	}
	return writeFile(p.marker(), []byte(markerText+"backup "+hash+"\n"))
}

// put writes a file outside of the folder, unless it is there with the same
// content.
func (p *Place) put(path string, content []byte) error {
	if err := absent(path, content); err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		p.folders = append(p.folders, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p.written = append(p.written, path)
	return writeFile(path, content)
}

// absent refuses a file that is there with another content.
func absent(path string, content []byte) error {
	have, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case string(have) != string(content):
		return fmt.Errorf("%w, but there is another %s; move it away", ErrNotEmpty, path)
	}
	return nil
}

// writeFile writes a small file durably, whole or not at all. Only its owner
// may read it.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".restore-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// remove removes a file durably. One that is not there is no error.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
