package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"plenum/config"
	"plenum/homeserver/api/admin"
)

func tokenCreateCommand() *command {
	var file, note string
	var uses int64
	var life config.Duration
	cmd := &command{
		name: "token create", args: "[TOKEN]", short: "Make a registration token",
		long: `Who has the token can make an account when the setting registration.mode is
"token". Without TOKEN, one that nobody guesses is made up.`,
		flags: newFlags(&file),
	}
	cmd.flags.Int64Var(&uses, "uses", 1, "`NUMBER` of accounts that can be made with it; 0: any number")
	cmd.flags.TextVar(&life, "expires", config.Duration(7*24*time.Hour), "`SPAN` after which it is worthless, such as \"30 days\"; 0: never")
	cmd.flags.StringVar(&note, "note", "", "`TEXT` to remember what it is for")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		t := admin.NewToken{Note: note}
		switch len(args) {
		case 0:
		case 1:
			t.Token = args[0]
		default:
			return usagef("it takes one TOKEN")
		}
		if uses < 0 {
			return usagef("--uses must not be negative")
		}
		if uses > 0 {
			t.UsesAllowed = &uses
		}
		if life > 0 {
			expires := time.Now().Add(life.Std()).UnixMilli()
			t.ExpiresMS = &expires
		}
		return ask(ctx, file, c, func(client *admin.Client, cfg config.Config) error {
			made, err := client.CreateToken(ctx, t)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.Out, made.Token)
			if cfg.Registration.Mode == "closed" {
				fmt.Fprintln(c.Err, "Nobody can use it yet: set registration.mode to \"token\".")
			}
			return nil
		})
	}
	return cmd
}

func tokenListCommand() *command {
	var file string
	cmd := &command{name: "token list", short: "List the registration tokens", flags: newFlags(&file)}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not wanted here", args[0])
		}
		return ask(ctx, file, c, func(client *admin.Client, _ config.Config) error {
			tokens, err := client.Tokens(ctx)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
			for _, t := range tokens {
				fmt.Fprintf(w, "%s\tused %d of %s\t%s\t%s\n", t.Token, t.Used, allowed(t), expiry(t), t.Note)
			}
			return w.Flush()
		})
	}
	return cmd
}

func allowed(t admin.Token) string {
	if t.UsesAllowed == nil {
		return "any number"
	}
	return strconv.FormatInt(*t.UsesAllowed, 10)
}

func expiry(t admin.Token) string {
	if t.ExpiresMS == nil {
		return "does not expire"
	}
	at := time.UnixMilli(*t.ExpiresMS)
	if at.Before(time.Now()) {
		return "expired"
	}
	return "until " + at.UTC().Format("2006-01-02 15:04") + " UTC"
}

func tokenRevokeCommand() *command {
	var file string
	cmd := &command{
		name: "token revoke", args: "TOKEN", short: "Make a registration token worthless",
		long: "Accounts that were made with it stay.", flags: newFlags(&file),
	}
	cmd.run = func(ctx context.Context, c console, args []string) error {
		token, err := one(args, "TOKEN")
		if err != nil {
			return err
		}
		return ask(ctx, file, c, func(client *admin.Client, _ config.Config) error {
			return client.RevokeToken(ctx, token)
		})
	}
	return cmd
}
