package main

import (
	"context"
	"flag"
	"fmt"

	"plenum/config"
	"plenum/homeserver"
)

func configExampleCommand() *command {
	cmd := &command{
		name: "config example", short: "Show a file of settings with explanations",
		long:  "Every setting is in it, commented out at its default. To start from it:\n\n  plenum config example > plenum.toml",
		flags: flag.NewFlagSet("", flag.ContinueOnError),
	}
	cmd.run = func(_ context.Context, c console, _ []string) error { return config.WriteExample(c.Out) }
	return cmd
}

func versionCommand() *command {
	cmd := &command{name: "version", short: "Show the version", flags: flag.NewFlagSet("", flag.ContinueOnError)}
	cmd.run = func(_ context.Context, c console, _ []string) error {
		_, err := fmt.Fprintln(c.Out, "Plenum", homeserver.Version())
		return err
	}
	return cmd
}
