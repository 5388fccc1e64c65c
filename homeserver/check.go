package homeserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"plenum/config"
	"plenum/storage"
)

// Finding is one thing that Check looked at.
type Finding struct {
	Subject string
	Text    string // what is wrong and what helps, or how it is
	Problem bool
}

// Check looks at everything that a server with these settings needs from this
// machine, and changes nothing. cfg itself is valid already.
func Check(ctx context.Context, cfg config.Config) []Finding {
	k := &checkup{cfg: cfg}
	k.clock(time.Now())
	if k.folder() {
		k.key("signing key", cfg.SigningKeyFile)
		k.mediaKey()
	}
	k.certificates(time.Now())
	k.bridges()
	running := k.running(ctx)
	k.database(ctx)
	if !running {
		k.ports()
	}
	return k.found
}

// checkup collects findings.
type checkup struct {
	cfg   config.Config
	found []Finding
}

func (k *checkup) ok(subject, format string, args ...any) {
	k.found = append(k.found, Finding{Subject: subject, Text: fmt.Sprintf(format, args...)})
}

func (k *checkup) problem(subject, format string, args ...any) {
	k.found = append(k.found, Finding{Subject: subject, Text: fmt.Sprintf(format, args...), Problem: true})
}

// made is about when this was written: no clock is right that says earlier.
var made = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// clock compares the time with what must be past. Messages carry the time, so
// a wrong clock puts them into a wrong order.
func (k *checkup) clock(now time.Time) {
	past := made
	for _, name := range []string{"", "plenum.db", "plenum.db-wal"} {
		if info, err := os.Stat(filepath.Join(k.cfg.DataFolder, name)); err == nil && info.ModTime().After(past) {
			past = info.ModTime()
		}
	}
	text := now.UTC().Format("2006-01-02 15:04:05") + " UTC"
	if past.Sub(now) > time.Minute {
		k.problem("clock", "it says %s, but something here was written at %s. Set the clock of this machine, and let it be kept right (systemd-timesyncd, chrony).", text, past.UTC().Format("2006-01-02 15:04:05"))
		return
	}
	k.ok("clock", "%s", text)
}

// folder checks the data folder, and reports whether the rest can be looked at.
func (k *checkup) folder() bool {
	const subject = "data folder"
	dir := k.cfg.DataFolder
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		parent := nearestFolder(dir)
		if err := tryWrite(parent); err != nil {
			k.problem(subject, "%s does not exist and cannot be made: %s.", dir, reason(err))
			return false
		}
		k.ok(subject, "%s will be made at the first start", dir)
		return true
	}
	switch {
	case err != nil:
		k.problem(subject, "%s cannot be looked at: %s.", dir, reason(err))
		return false
	case !info.IsDir():
		k.problem(subject, "%s is a file, not a folder.", dir)
		return false
	}
	if err := belongs(k.cfg); err != nil {
		k.problem(subject, "%v.", err)
		return false
	}
	if err := tryWrite(dir); err != nil {
		k.problem(subject, "nothing can be written into %s: %s. Give it to the user that the server runs as: chown -R USER %s", dir, reason(err), dir)
		return true
	}
	if open(info) {
		k.problem(subject, "other users of this machine can look into %s. Close it: chmod 700 %s", dir, dir)
		return true
	}
	k.ok(subject, "%s", dir)
	return true
}

// nearestFolder is dir, or the first above it that exists.
func nearestFolder(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// tryWrite makes a file in dir and removes it.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".plenum-check-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// open reports whether others than the owner may do something with a file.
func open(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

// reason is the part of an error that says why.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// key checks a key file, and reports whether it exists.
func (k *checkup) key(subject, path string) bool {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := tryWrite(nearestFolder(filepath.Dir(path))); err != nil {
			k.problem(subject, "%s does not exist and cannot be made: %s.", path, reason(err))
		} else {
			k.ok(subject, "%s will be made at the first start", path)
		}
		return false
	case err != nil:
		k.problem(subject, "%s cannot be looked at: %s.", path, reason(err))
	case open(info):
		k.problem(subject, "other users of this machine can read %s. Close it: chmod 600 %s", path, path)
	case !readable(path):
		k.problem(subject, "%s cannot be read by this user. It must belong to the user that the server runs as.", path)
	default:
		k.ok(subject, "%s", path)
	}
	return true
}

func readable(path string) bool {
	f, err := os.Open(path)
	return err == nil && f.Close() == nil
}

// mediaKey checks the key without which no media can be read.
func (k *checkup) mediaKey() {
	if _, err := os.Stat(filepath.Join(mediaFolder(k.cfg), "recipient")); err == nil {
		if _, err := os.Stat(k.cfg.Media.KeyFile); errors.Is(err, fs.ErrNotExist) {
			k.problem("media key", "%s is missing, but there are files that were encrypted with it. Put it back from a copy; docs/operations.md says what else can be done.", k.cfg.Media.KeyFile)
			return
		}
	}
	k.key("media key", k.cfg.Media.KeyFile)
}

// running reports whether a server with this data folder runs already.
func (k *checkup) running(ctx context.Context) bool {
	status, err := NewLocal(k.cfg.DataFolder).Status(ctx)
	if err != nil {
		return false
	}
	k.ok("server", "it runs (process %d, version %s), so the ports are not looked at", status.PID, status.Version)
	return true
}

// database checks that the database is there and belongs to this server.
func (k *checkup) database(ctx context.Context) {
	const subject = "database"
	found, err := storage.Peek(ctx, storage.Config{DSN: k.cfg.DSN()})
	switch {
	case err != nil && k.cfg.Database.IsFile():
		k.problem(subject, "%s cannot be opened: %v.", k.cfg.DSN(), err)
	case err != nil:
		k.problem(subject, "PostgreSQL cannot be reached, or does not let us in. Look at database.url, and whether the database server runs. It says: %s", oneLine(err))
	case found.Unfinished:
		k.problem(subject, "%v.", errUnfinished(k.cfg))
	case found.Meta == nil || !found.Used:
		k.ok(subject, "it is empty, and will belong to %s", k.cfg.ServerName)
	default:
		if err := owns(k.cfg, found.Meta[metaServerName], found.Meta[metaThrowaway]); err != nil {
			k.problem(subject, "%v.", err)
			return
		}
		k.ok(subject, "it belongs to %s", found.Meta[metaServerName])
	}
}

// oneLine is an error on one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
