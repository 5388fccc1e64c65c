package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/api/admin"
)

func noticeCommand() *command {
	var file, to string
	var everybody bool
	cmd := &command{
		name: "notice", args: "[TEXT]", short: "Say something to people in the name of the server",
		long: `Each person gets it in a room with the account of the server, which they cannot
refuse. Without TEXT, it is read from the standard input. The notice is stored
like any message, and is not end-to-end encrypted.`,
		flags: newFlags(&file),
	}
	cmd.flags.StringVar(&to, "to", "", "`NAME` of the person")
	cmd.flags.BoolVar(&everybody, "everybody", false, "to all people with an account on this server")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if (to != "") == everybody {
			return usagef("say --to NAME or --everybody")
		}
		text, err := noticeText(args, c.In)
		if err != nil {
			return err
		}
		return ask(ctx, file, c, func(client *admin.Client, cfg config.Config) error {
			if everybody {
				return notifyAll(ctx, client, text, c)
			}
			return client.Notify(ctx, admin.NewNotice{User: userID(to, cfg), Text: text})
		})
	}
	return cmd
}

// noticeText is what to say.
func noticeText(args []string, in io.Reader) (string, error) {
	text := strings.Join(args, " ")
	if text == "" {
		raw, err := io.ReadAll(in)
		if err != nil {
			return "", err
		}
		text = strings.TrimSpace(string(raw))
	}
	if text == "" {
		return "", usagef("there is nothing to say")
	}
	return text, nil
}

// notifyAll tells everybody, and goes on when somebody cannot be told.
func notifyAll(ctx context.Context, client *admin.Client, text string, c console) error {
	const page = 500
	var after id.UserID
	told, failed := 0, 0
	for {
		users, err := client.Users(ctx, after, page)
		if err != nil {
			return err
		}
		for _, u := range users {
			after = u.ID
			if u.Deactivated || u.Program {
				continue
			}
			if err := client.Notify(ctx, admin.NewNotice{User: u.ID, Text: text}); err != nil {
				if ctx.Err() != nil {
					return err
				}
				fmt.Fprintf(c.Err, "%s: %v\n", u.ID, err)
				failed++
				continue
			}
			told++
		}
		if len(users) < page {
			break
		}
	}
	fmt.Fprintf(c.Out, "told %d\n", told)
	if failed > 0 {
		return errors.New("not everybody could be told")
	}
	return nil
}
