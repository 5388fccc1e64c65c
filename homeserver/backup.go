package homeserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"filippo.io/age"

	"plenum/config"
	"plenum/homeserver/archive"
	"plenum/storage"
	"plenum/storage/mediastore"
)

// newMaker returns what makes backups of the server.
func newMaker(cfg config.Config, p *parts, log *slog.Logger) *archive.Maker {
	return archive.NewMaker(archive.Source{
		DB: p.db, Blobs: p.blobs, Media: mediastore.New(p.db),
		ServerName: cfg.ServerName, Program: Version(), Throwaway: cfg.Throwaway != nil,
		SigningKeyFile: cfg.SigningKeyFile, MediaKeyFile: cfg.Media.KeyFile, SettingsFile: cfg.File(),
		Folder: cfg.DataFolder,
	}, log)
}

// Exists returns an error if there is no server with these settings that could
// be backed up: nobody wants to keep a backup of a new, empty one.
func Exists(ctx context.Context, cfg config.Config) error {
	found, err := storage.Peek(ctx, storage.Config{DSN: cfg.DSN()})
	switch {
	case err != nil:
		return databaseError(err, cfg)
	case found.Unfinished:
		return errUnfinished(cfg)
	case found.Meta == nil && cfg.Database.IsFile():
		return fmt.Errorf("there is no server to back up: there is no database %s. If it is elsewhere, name its settings with --config", cfg.DSN())
	case found.Meta == nil:
		return errors.New("there is no server to back up: the database is empty. If it is elsewhere, name its settings with --config")
	}
	return nil
}

func errUnfinished(cfg config.Config) error {
	return fmt.Errorf("the server in %s is only half restored. Begin \"plenum restore\" again: it deletes what there is, and starts anew", cfg.DataFolder)
}

// Restored is what Restore has done.
type Restored struct {
	archive.Report
	Again    bool     // what an interrupted restore had left was deleted
	Complete bool     // the interrupted restore had done everything; nothing was left to do
	Settings []string // files with settings that were written
}

// Restore builds a server from a backup in an empty data folder and an empty
// database. Before anything is written, the backup is read to its end and
// checked; a pipe is kept in the data folder meanwhile. When Restore fails,
// nothing of it stays.
func Restore(ctx context.Context, cfg config.Config, backup *os.File, identities []age.Identity) (Restored, error) {
	target := archive.Target{
		Database: storage.Config{DSN: cfg.DSN()}, Folder: cfg.DataFolder, MediaFolder: mediaFolder(cfg),
		SigningKeyFile: cfg.SigningKeyFile, MediaKeyFile: cfg.Media.KeyFile,
	}
	r := &restoring{cfg: cfg, target: target, identities: identities}
	err := r.run(ctx, backup)
	if errors.Is(err, archive.ErrComplete) {
		return Restored{Complete: true}, nil
	}
	return r.done, err
}

// restoring is one call of Restore.
type restoring struct {
	cfg        config.Config
	target     archive.Target
	identities []age.Identity
	settings   map[string]string // files to be written
	done       Restored
}

func (r *restoring) run(ctx context.Context, backup *os.File) error {
	err := r.target.Check(ctx)
	if errors.Is(err, archive.ErrComplete) {
		_, err = archive.Claim(ctx, r.target)
	}
	if err != nil {
		return err
	}
	if _, err := backup.Seek(0, io.SeekStart); err != nil {
		return r.pipe(ctx, backup)
	}
	if err := r.verify(ctx, backup); err != nil {
		return err
	}
	place, err := archive.Claim(ctx, r.target)
	if err != nil {
		return err
	}
	return r.restore(ctx, place, backup)
}

// pipe restores from what can be read only once.
func (r *restoring) pipe(ctx context.Context, backup io.Reader) error {
	place, err := archive.Claim(ctx, r.target)
	if err != nil {
		return err
	}
	file, err := place.Spool(ctx, backup)
	if err != nil {
		return errors.Join(err, place.Undo())
	}
	defer file.Close()
	if err := r.verify(ctx, file); err != nil {
		return errors.Join(err, place.Undo())
	}
	return r.restore(ctx, place, file)
}

// verify reads the whole backup, and decides whether it belongs here.
func (r *restoring) verify(ctx context.Context, backup io.Reader) (err error) {
	if r.done.Report, err = archive.Verify(ctx, backup, r.identities); err != nil {
		return err
	}
	if r.done.Throwaway {
		return errors.New("it is the backup of a throw-away server, into which everybody could get")
	}
	return r.chooseSettings()
}

// restore reads the backup a second time.
func (r *restoring) restore(ctx context.Context, place *archive.Place, backup io.ReadSeeker) error {
	r.done.Again = place.Again
	if _, err := backup.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, place.Undo())
	}
	return place.Restore(ctx, backup, r.identities, r.done.Report, r.settings)
}

// oldSettings is the file that takes the settings of the backup. They are for
// people to look through: they may name folders and databases of the machine
// that they come from.
const oldSettings = "plenum-before-restore.toml"

// chooseSettings compares the name of the server with that in the settings.
// Where there are no settings, it lets a file be written with the name, so
// that the server can be started.
func (r *restoring) chooseSettings() error {
	name := r.done.Server
	if r.cfg.ServerName == name {
		return nil
	}
	if r.cfg.File() != "" || r.cfg.ServerName != config.Default().ServerName {
		return fmt.Errorf("the backup is one of the server %q, but server_name is %q. Set server_name to %q: it is part of every account and message, and cannot change", name, r.cfg.ServerName, name)
	}
	text, err := config.Minimal(name, r.cfg.Database.URL)
	if err != nil {
		return fmt.Errorf("the name of the server in the backup: %w", err)
	}
	path := filepath.Join(r.cfg.Folder(), config.DefaultFile)
	r.settings = map[string]string{path: text}
	r.done.Settings = []string{path}
	if r.done.HasSettings {
		path := filepath.Join(r.cfg.Folder(), oldSettings)
		r.settings[path] = archive.OldSettings
		r.done.Settings = append(r.done.Settings, path)
	}
	return nil
}
