package homeserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"plenum/config"
	"plenum/homeserver/archive"
	"plenum/storage"
)

// Facts about a database, under the names that storage.Meta knows them by.
const (
	metaServerName = "server_name"
	metaThrowaway  = "throwaway" // "yes" if it was made with --throwaway
)

// throwawayMark is the file that marks a folder which was made by
// "plenum serve --throwaway" and may be deleted with everything in it.
const throwawayMark = "THROWAWAY"

const markText = "This folder was made by \"plenum serve --throwaway\" for a test or a measurement.\nNothing in it is worth keeping.\n"

// mediaFolder is where the blobs are.
func mediaFolder(cfg config.Config) string { return filepath.Join(cfg.DataFolder, "media") }

// belongs refuses the folder of a throw-away server to any other, and any
// other folder to a throw-away server, which is open to everybody.
func belongs(cfg config.Config) error {
	if _, err := os.Stat(filepath.Join(cfg.DataFolder, archive.Marker)); err == nil {
		return errUnfinished(cfg)
	}
	marked := true
	if _, err := os.Stat(filepath.Join(cfg.DataFolder, throwawayMark)); errors.Is(err, fs.ErrNotExist) {
		marked = false
	} else if err != nil {
		return fmt.Errorf("the data folder cannot be looked into: %w", err)
	}
	if cfg.Throwaway == nil {
		if marked {
			return fmt.Errorf("%s belongs to a throw-away server, into which everybody could get. Choose another data_folder", cfg.DataFolder)
		}
		return nil
	}
	if marked {
		return nil
	}
	entries, err := os.ReadDir(cfg.DataFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the data folder cannot be looked into: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s was not made by \"plenum serve --throwaway\", and there is something in it. Name a new folder with --data", cfg.DataFolder)
	}
	return nil
}

// claimFolder makes the data folder.
func claimFolder(cfg config.Config) error {
	if err := belongs(cfg); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.DataFolder, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if cfg.Throwaway == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(cfg.DataFolder, throwawayMark), []byte(markText), 0o600)
}

// owns reports whether a database that says name and throwaway of itself is
// one for cfg. Both are empty in a new one.
func owns(cfg config.Config, name, throwaway string) error {
	switch {
	case name == "":
		return nil
	case cfg.Throwaway == nil && throwaway != "":
		return errors.New("the database belongs to a throw-away server, into which everybody could get. Choose another database.url")
	case cfg.Throwaway != nil && throwaway == "":
		return errors.New("the database was not made by \"plenum serve --throwaway\". Name an empty one with --database")
	case name != cfg.ServerName:
		return fmt.Errorf("the database belongs to the server %q, but server_name is %q. The name is part of every account and message, so it cannot change. Set server_name back to %q, or start with an empty data_folder and database", name, cfg.ServerName, name)
	}
	return nil
}

// claimDatabase writes into a new database whose it is, and refuses that of
// another server. As long as there is nothing in it, the name may change.
func claimDatabase(ctx context.Context, db *storage.DB, cfg config.Config, empty func(context.Context, *storage.Tx) (bool, error)) error {
	return db.Write(ctx, func(tx *storage.Tx) error {
		name, _, err := storage.Meta(ctx, tx, metaServerName)
		if err != nil {
			return err
		}
		throwaway, _, err := storage.Meta(ctx, tx, metaThrowaway)
		if err != nil {
			return err
		}
		unused, err := empty(ctx, tx)
		if err != nil {
			return err
		}
		if unused {
			name = ""
		}
		if err := owns(cfg, name, throwaway); err != nil {
			return err
		}
		mark := ""
		if cfg.Throwaway != nil {
			mark = "yes"
		}
		if err := storage.SetMeta(ctx, tx, metaThrowaway, mark); err != nil {
			return err
		}
		return storage.SetMeta(ctx, tx, metaServerName, cfg.ServerName)
	})
}
