package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// console is what a command reads and writes.
type console struct {
	In       io.Reader
	Out, Err io.Writer
	Env      []string
}

// getenv returns a variable of the environment.
func (c console) getenv(name string) string {
	for _, pair := range slices.Backward(c.Env) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// command is one thing that plenum does.
type command struct {
	name  string // such as "user create"
	args  string // what follows the flags, such as "NAME"
	short string // one line
	long  string // further lines of help
	flags *flag.FlagSet
	run   func(ctx context.Context, c console, args []string) error
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errReported ends a command that has said itself what went wrong.
var errReported = errors.New("reported")

// usageError is a mistake in how a command was called.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// commands are made anew for each run, since their flags hold what was given.
func commands() []*command {
	return []*command{
		serveCommand(), checkCommand(),
		userCreateCommand(), userPasswordCommand(), userListCommand(), userDeactivateCommand(), userExportCommand(),
		tokenCreateCommand(), tokenListCommand(), tokenRevokeCommand(),
		noticeCommand(), keyRotateCommand(),
		backupCommand(), backupVerifyCommand(), backupKeyCommand(), restoreCommand(),
		configExampleCommand(), versionCommand(),
	}
}

// run runs the command that args name and returns the exit code.
func run(ctx context.Context, args []string, c console) int {
	all := commands()
	if wantsHelp(args) {
		return help(c, all, args)
	}
	cmd, rest := find(all, args)
	if cmd == nil {
		fmt.Fprintf(c.Err, "plenum: there is no command %q.%s \"plenum help\" lists all.\n", strings.Join(args, " "), suggestion(all, args))
		return exitUsage
	}
	positional, err := parse(cmd.flags, rest)
	if errors.Is(err, flag.ErrHelp) {
		cmd.help(c.Out)
		return exitOK
	}
	if err == nil {
		err = cmd.run(ctx, c, positional)
	} else {
		err = usageError{err.Error()}
	}
	return report(c, cmd, err)
}

// report says what went wrong and returns the exit code.
func report(c console, cmd *command, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
	case errors.As(err, &usage):
		fmt.Fprintf(c.Err, "plenum %s: %v\nUsage: %s\n", cmd.name, err, cmd.usage())
		return exitUsage
	default:
		fmt.Fprintf(c.Err, "plenum %s: %v\n", cmd.name, err)
	}
	return exitFailed
}

// find returns the command with the longest name that args begin with, and the
// rest of args. Without a name it is serve.
func find(all []*command, args []string) (*command, []string) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for _, cmd := range all {
			if cmd.name == name {
				return cmd, args[n:]
			}
		}
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return all[0], args
	}
	return nil, nil
}

// parse reads flags wherever they stand among the other arguments, which it
// returns.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	flags.SetOutput(io.Discard) // we say it ourselves
	var positional []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) == 0 {
			return positional, nil
		}
		positional, args = append(positional, args[0]), args[1:]
	}
}

// newFlags returns flags with the one that nearly every command has.
func newFlags(config *string) *flag.FlagSet {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.StringVar(config, "config", "", "`FILE` with the settings; otherwise plenum.toml in the working folder, if there is one")
	return f
}
