package main

import (
	"context"
	"fmt"

	"plenum/homeserver"
)

func restoreCommand() *command {
	var file string
	var identity []string
	cmd := &command{
		name: "restore", args: "FILE", short: "Build a server from a backup",
		long: `It takes the backup in FILE and the secret key that belongs to the public key
which the backup was encrypted to. The data folder and the database must be
empty; the database may be of another kind than that of the backup.

First the backup is read to its end, and refused if it is cut off or altered.
When something fails later, or Ctrl-C interrupts it, nothing stays; when the
process is killed, begin it again. If FILE is - the backup is read from the
standard input, and kept in the data folder meanwhile.

Without a file of settings, one is written with the name of the server. The
setting database.url, or the variable PLENUM_DATABASE_URL, says which database
to restore to.`,
		flags: newFlags(&file),
	}
	identityFlag(cmd, &identity)
	cmd.run = func(ctx context.Context, c console, args []string) error {
		in, identities, err := openBackup(args, identity, c)
		if err != nil {
			return err
		}
		defer in.Close()
		cfg, err := load(file, c)
		if err != nil {
			return err
		}
		done, err := homeserver.Restore(ctx, cfg, in, identities)
		if err != nil {
			return err
		}
		if done.Complete {
			fmt.Fprintln(c.Out, "The restore that was interrupted is complete. Nothing was left to do.")
			return nil
		}
		if done.Again {
			fmt.Fprintln(c.Err, "What an interrupted restore had left was deleted.")
		}
		if err := describe(c, done.Report); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "It is restored to %s.\n", cfg.DataFolder)
		for _, path := range done.Settings {
			fmt.Fprintf(c.Out, "  settings     %s\n", path)
		}
		fmt.Fprintf(c.Out, "Start it: %s serve%s\n", callName(), configFlag(cfg))
		return nil
	}
	return cmd
}
