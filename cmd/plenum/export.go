package main

import (
	"context"
	"errors"
	"os"

	"plenum/config"
	"plenum/homeserver/api/admin"
)

func userExportCommand() *command {
	var file string
	cmd := &command{
		name: "user export", args: "NAME FILE", short: "Write down what an account holds",
		long: `FILE is a new zip archive for the person whose account it is: profile, devices,
rooms, what they have sent and uploaded. People can fetch it themselves, too.
Nothing in it lets anybody into the account.`,
		flags: newFlags(&file),
	}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if len(args) != 2 || args[0] == "" || args[1] == "" {
			return usagef("it takes a NAME and a FILE")
		}
		return ask(ctx, file, c, func(client *admin.Client, cfg config.Config) error {
			return exportTo(args[1], func(out *os.File) error { return client.Export(ctx, userID(args[0], cfg), out) })
		})
	}
	return cmd
}

// exportTo makes a file that only its owner can read, and keeps none that is
// not whole.
func exportTo(path string, write func(*os.File) error) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
