package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver"
	"plenum/homeserver/api/admin"
)

// ask opens a way to the server of the settings in file, whether it runs or
// not, for as long as fn does.
func ask(ctx context.Context, file string, c console, fn func(*admin.Client, config.Config) error) error {
	cfg, err := load(file, c)
	if err != nil {
		return err
	}
	return askConfigured(ctx, cfg, c, fn)
}

// askConfigured is ask with settings that were read before.
func askConfigured(ctx context.Context, cfg config.Config, c console, fn func(*admin.Client, config.Config) error) (err error) {
	cfg.Log.Level = "warn"
	client, done, err := homeserver.Dial(ctx, cfg, newLog(cfg.Log, c.Err))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return fn(client, cfg)
}

// one returns the only argument.
func one(args []string, what string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", usagef("it takes one %s", what)
	}
	return args[0], nil
}

// userID completes a name to a user id.
func userID(name string, cfg config.Config) id.UserID {
	if strings.HasPrefix(name, "@") {
		return id.UserID(name)
	}
	return id.NewUserID(name, cfg.ServerName)
}

func userCreateCommand() *command {
	var file string
	var isAdmin bool
	cmd := &command{
		name: "user create", args: "NAME", short: "Make an account",
		long: `NAME is what stands between the @ and the colon: ada for @ada:example.org.

The password is asked for, or read from the first line of the standard input
when that is no terminal. If it is empty, one is made up and shown.`,
		flags: newFlags(&file),
	}
	cmd.flags.BoolVar(&isAdmin, "admin", false, "give the account the rights of an administrator")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		name, err := one(args, "NAME")
		if err != nil {
			return err
		}
		password, made, err := readPassword(c)
		if err != nil {
			return err
		}
		return ask(ctx, file, c, func(client *admin.Client, _ config.Config) error {
			user, err := client.CreateUser(ctx, admin.NewUser{Name: name, Password: password, Admin: isAdmin})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.Out, user.ID)
			showPassword(c, password, made)
			return nil
		})
	}
	return cmd
}

func userPasswordCommand() *command {
	var file string
	cmd := &command{
		name: "user password", args: "NAME", short: "Set the password of an account",
		long: `All devices of the account are signed out. The password is asked for, or read
from the first line of the standard input when that is no terminal. If it is
empty, one is made up and shown.`,
		flags: newFlags(&file),
	}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		name, err := one(args, "NAME")
		if err != nil {
			return err
		}
		password, made, err := readPassword(c)
		if err != nil {
			return err
		}
		return ask(ctx, file, c, func(client *admin.Client, cfg config.Config) error {
			if err := client.SetPassword(ctx, userID(name, cfg), password); err != nil {
				return err
			}
			showPassword(c, password, made)
			return nil
		})
	}
	return cmd
}

func userListCommand() *command {
	var file string
	cmd := &command{name: "user list", short: "List the accounts", flags: newFlags(&file)}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not wanted here", args[0])
		}
		return ask(ctx, file, c, func(client *admin.Client, _ config.Config) error {
			return listUsers(ctx, client, c.Out)
		})
	}
	return cmd
}

// listUsers writes all accounts, a page at a time.
func listUsers(ctx context.Context, client *admin.Client, out io.Writer) error {
	const page = 500
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var after id.UserID
	for {
		users, err := client.Users(ctx, after, page)
		if err != nil {
			return err
		}
		for _, u := range users {
			fmt.Fprintf(w, "%s\tsince %s\t%s\n", u.ID, time.UnixMilli(u.CreatedMS).UTC().Format(time.DateOnly), marks(u))
			after = u.ID
		}
		if len(users) < page {
			return w.Flush()
		}
	}
}

// marks says what is special about an account.
func marks(u admin.User) string {
	var words []string
	for _, m := range []struct {
		set  bool
		word string
	}{{u.Admin, "administrator"}, {u.Locked, "locked"}, {u.Suspended, "suspended"}, {u.Deactivated, "deactivated"}} {
		if m.set {
			words = append(words, m.word)
		}
	}
	return strings.Join(words, ", ")
}

func userDeactivateCommand() *command {
	var file string
	var how admin.Deactivation
	cmd := &command{
		name: "user deactivate", args: "NAME", short: "Close an account for ever",
		long: `The account is signed out everywhere and leaves its rooms. It cannot be opened
again, and nobody else can take its name.`,
		flags: newFlags(&file),
	}
	cmd.flags.BoolVar(&how.Erase, "erase", false, "also erase what it has stored on this server: files, profile, keys")
	cmd.flags.BoolVar(&how.Redact, "redact", false, "also take back what it has sent in its rooms, so that others see that no more")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		name, err := one(args, "NAME")
		if err != nil {
			return err
		}
		return ask(ctx, file, c, func(client *admin.Client, cfg config.Config) error {
			return client.Deactivate(ctx, userID(name, cfg), how)
		})
	}
	return cmd
}

// readPassword asks for a password twice, or reads it when nobody is there to
// ask. Without one it makes one up.
func readPassword(c console) (password string, made bool, err error) {
	if f, ok := c.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		password, err = promptPassword(c, int(f.Fd()))
	} else {
		line, readErr := bufio.NewReader(c.In).ReadString('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			err = readErr
		}
		password = strings.TrimRight(line, "\r\n")
	}
	if err != nil || password != "" {
		return password, false, err
	}
	return madeUp(), true, nil
}

func promptPassword(c console, fd int) (string, error) {
	fmt.Fprint(c.Err, "Password (empty: make one up): ")
	first, err := term.ReadPassword(fd)
	fmt.Fprintln(c.Err)
	if err != nil || len(first) == 0 {
		return "", err
	}
	fmt.Fprint(c.Err, "The same again: ")
	second, err := term.ReadPassword(fd)
	fmt.Fprintln(c.Err)
	if err != nil {
		return "", err
	}
	if string(first) != string(second) {
		return "", errors.New("the two passwords differ")
	}
	return string(first), nil
}

// madeUp returns a password of 100 random bits that is easy to read aloud.
func madeUp() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // without l, o, 0 and 1
	raw := make([]byte, 13)
	rand.Read(raw)
	text := base32.NewEncoding(letters).WithPadding(base32.NoPadding).EncodeToString(raw)
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
}

func showPassword(c console, password string, made bool) {
	if made {
		fmt.Fprintf(c.Out, "password: %s\n", password)
	}
}
