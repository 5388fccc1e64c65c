package main

import (
	"context"
	"errors"
	"fmt"

	"plenum/homeserver"
)

func checkCommand() *command {
	var file string
	cmd := &command{
		name: "check", short: "Say what is wrong with the settings and this machine",
		long: `It looks at the settings, the folders, the key files, the certificates, the
ports, the database and the clock, and changes nothing. The exit code is 1 when
there is anything to correct.`,
		flags: newFlags(&file),
	}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not wanted here", args[0])
		}
		cfg, err := load(file, c)
		if err != nil {
			return err
		}
		findings := homeserver.Check(ctx, cfg)
		for _, f := range findings {
			mark := "ok     "
			if f.Problem {
				mark, err = "PROBLEM", errors.Join(err, errReported)
			}
			fmt.Fprintf(c.Out, "%s  %s: %s\n", mark, f.Subject, f.Text)
		}
		return err
	}
	return cmd
}
