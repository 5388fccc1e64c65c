package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"plenum/rooms/event"
)

func keyRotateCommand() *command {
	var file string
	cmd := &command{
		name: "key rotate", short: "Replace the key with which the server signs",
		long: `A new key takes the place of the one in signing_key_file, of which only the
public half stays, so that what was signed before can still be verified. The
server signs with the new key once it is restarted. Do this when somebody else
may have seen the key.`,
		flags: newFlags(&file),
	}
	cmd.run = func(_ context.Context, c console, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not wanted here", args[0])
		}
		cfg, err := load(file, c)
		if err != nil {
			return err
		}
		id, err := event.RotateKey(cfg.SigningKeyFile, time.Now())
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no key yet at %s; the server makes one at its first start", cfg.SigningKeyFile)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "The new key is %s. Restart the server, and make a copy of %s.\n", id, cfg.SigningKeyFile)
		return nil
	}
	return cmd
}
