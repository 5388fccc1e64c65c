package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"plenum/config"
	"plenum/homeserver"
	"plenum/homeserver/api/admin"
	"plenum/homeserver/archive"
)

func backupCommand() *command {
	var file string
	var to []string
	var replace bool
	cmd := &command{
		name: "backup", args: "FILE", short: "Make an encrypted backup of the whole server",
		long: `Everything is in it: accounts, rooms, messages, files, and the keys of the
server. Whoever has it and the secret key can restore the server on an empty
machine; without the secret key nobody can read it. To make such a key:

  plenum backup key plenum-backup.key

Keep that file away from the server, and do not lose it. The backup needs only
the public key, which begins with age1. More than one may be given.

It works while the server runs, and while it does not. FILE appears when the
backup is whole. If FILE is - it is written to the standard output.`,
		flags: newFlags(&file),
	}
	cmd.flags.Func("to", "public `KEY` (age1…) to encrypt to; otherwise those of the setting backup.recipients", func(key string) error {
		to = append(to, key)
		return nil
	})
	cmd.flags.BoolVar(&replace, "replace", false, "replace FILE if there is one, when the new backup is whole")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		path, err := one(args, "FILE, or - for the standard output")
		if err != nil {
			return err
		}
		cfg, err := load(file, c)
		if err != nil {
			return err
		}
		if len(to) == 0 {
			to = cfg.Backup.Recipients
		}
		if len(to) == 0 {
			return usagef("it needs a public key to encrypt to: --to age1…, or the setting backup.recipients. \"plenum backup key FILE\" makes one")
		}
		if _, err := archive.ParseRecipients(to); err != nil {
			return usageError{err.Error()}
		}
		if err := homeserver.Exists(ctx, cfg); err != nil {
			return err
		}
		out, err := newBackupFile(path, replace, c)
		if err != nil {
			return err
		}
		return askConfigured(ctx, cfg, c, func(client *admin.Client, _ config.Config) error {
			start := time.Now()
			made, err := client.Backup(ctx, to, out)
			if err = out.end(err); err != nil {
				return err
			}
			fmt.Fprintf(out.says, "%s: %s, %d accounts, %d events, %d files (%s). It took %s.\n", cmp.Or(out.path, "backup"),
				made.ServerName, made.Accounts, made.Events, made.Files, size(made.Bytes), time.Since(start).Round(time.Millisecond))
			complain(c.Err, made.Lost, made.Deleted)
			return nil
		})
	}
	return cmd
}

// complain says what was not as it should be with the files.
func complain(w io.Writer, lost, deleted int64) {
	if lost > 0 {
		fmt.Fprintf(w, "WARNING: %d files that people have sent are missing from the media folder or cannot be read. They are not in the backup.\n", lost)
	}
	if deleted > 0 {
		fmt.Fprintf(w, "%d files were deleted while the backup was made. They are not in it.\n", deleted)
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/unit, 0
	for f >= unit && i < 3 {
		f, i = f/unit, i+1
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGT"[i])
}

// backupFile is where a backup goes: a file that has its name when it is
// whole, or the standard output.
type backupFile struct {
	path string // "" for the standard output
	file *os.File
	out  io.Writer
	says io.Writer // for what is to be said about it
}

func newBackupFile(path string, replace bool, c console) (*backupFile, error) {
	if path != "-" {
		if _, err := os.Stat(path); !replace && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is there already; --replace replaces it", path)
		}
		return &backupFile{path: path, says: c.Out}, nil
	}
	if f, ok := c.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return nil, errors.New("a backup is nothing to show on a terminal; name a FILE")
	}
	return &backupFile{out: c.Out, says: c.Err}, nil
}

// Write makes the file when the first bytes come: then nobody else is at it.
func (b *backupFile) Write(p []byte) (n int, err error) {
	if b.out == nil {
		if b.file, err = os.OpenFile(b.path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return 0, err
		}
		b.out = b.file
	}
	return b.out.Write(p)
}

// end gives the file its name, or removes it if err says that it is not whole.
func (b *backupFile) end(err error) error {
	if b.file == nil {
		return err
	}
	if err == nil {
		err = b.file.Sync()
	}
	err = errors.Join(err, b.file.Close())
	if err == nil {
		err = os.Rename(b.file.Name(), b.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(b.file.Name()))
	}
	dir, err := os.Open(filepath.Dir(b.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func backupKeyCommand() *command {
	cmd := &command{
		name: "backup key", args: "FILE", short: "Make a secret key for backups",
		long: `The secret key is written to FILE, and the public key is shown: backups are
encrypted to that. Whoever has FILE can read the backups; without it nobody can,
and they are worth nothing. So keep FILE away from the server, in two places.`,
		flags: flag.NewFlagSet("", flag.ContinueOnError),
	}
	cmd.run = func(_ context.Context, c console, args []string) error {
		path, err := one(args, "FILE")
		if err != nil {
			return err
		}
		content, recipient, err := archive.NewIdentity()
		if err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(content)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.Out, recipient)
		return err
	}
	return cmd
}

func backupVerifyCommand() *command {
	var identity []string
	cmd := &command{
		name: "backup verify", args: "FILE", short: "Make sure that a backup can be restored",
		long: `It reads all of the backup, and writes nothing. If FILE is - it is read from the
standard input.`,
		flags: flag.NewFlagSet("", flag.ContinueOnError),
	}
	identityFlag(cmd, &identity)
	cmd.run = func(ctx context.Context, c console, args []string) error {
		in, identities, err := openBackup(args, identity, c)
		if err != nil {
			return err
		}
		defer in.Close()
		report, err := archive.Verify(ctx, in, identities)
		if err != nil {
			return err
		}
		return describe(c, report)
	}
	return cmd
}

func identityFlag(cmd *command, files *[]string) {
	cmd.flags.Func("identity", "`FILE` with the secret key (AGE-SECRET-KEY-…)", func(path string) error {
		*files = append(*files, path)
		return nil
	})
}

// openBackup opens the backup that args name, and reads the secret keys.
func openBackup(args, keys []string, c console) (*os.File, []archive.Identity, error) {
	path, err := one(args, "FILE with a backup, or - for the standard input")
	if err != nil {
		return nil, nil, err
	}
	if len(keys) == 0 {
		return nil, nil, usagef("it needs the secret key: --identity FILE")
	}
	var identities []archive.Identity
	for _, key := range keys {
		f, err := os.Open(key)
		if err != nil {
			return nil, nil, err
		}
		some, err := archive.ReadIdentities(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", key, err)
		}
		identities = append(identities, some...)
	}
	if path != "-" {
		f, err := os.Open(path)
		return f, identities, err
	}
	f, ok := c.In.(*os.File)
	if !ok {
		return nil, nil, errors.New("the standard input cannot be read")
	}
	return f, identities, nil
}

// describe says what is in a backup that is in order.
func describe(c console, r archive.Report) error {
	tables := make([]string, 0, 4)
	for _, t := range []struct{ table, what string }{{"account", "accounts"}, {"room", "rooms"}, {"event", "events"}} {
		tables = append(tables, fmt.Sprintf("%d %s", r.Rows[t.table], t.what))
	}
	tables = append(tables, fmt.Sprintf("%d files (%s)", r.Media.Blobs, size(r.Media.Bytes)))
	fmt.Fprintf(c.Out, "The backup is whole.\n  server       %s\n  made         %s by Plenum %s, on %s\n  in it        %s\n  signing key  %s\n",
		r.Server, r.Made().UTC().Format("2006-01-02 15:04:05 UTC"), r.Program, r.Schema.Engine, strings.Join(tables, ", "), r.SigningKey)
	complain(c.Err, r.Media.Lost, r.Media.Deleted)
	if r.Damaged > 0 {
		fmt.Fprintf(c.Err, "WARNING: %d files were damaged on the server already when the backup was made, such as %v.\n", r.Damaged, r.DamagedOf)
	}
	return nil
}
