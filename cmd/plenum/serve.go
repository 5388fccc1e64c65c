package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"plenum/config"
	"plenum/homeserver"
)

func serveCommand() *command {
	var file string
	var throwaway bool
	var o config.ThrowawayOptions
	cmd := &command{
		name:  "serve",
		short: "Run the server",
		long: `Without any settings the server listens on this machine only, at port 8008, and
keeps its data in the folder plenum-data. It runs until it is interrupted.

--throwaway makes a server for tests and measurements, open to everybody and
without limits. Its flags stand in for a file of settings, and it refuses a
folder or a database that it did not make. It is not for people.`,
		flags: newFlags(&file),
	}
	f := cmd.flags
	f.BoolVar(&throwaway, "throwaway", false, "make a server for tests and measurements, not for people; the flags below belong to it")
	f.StringVar(&o.ServerName, "server-name", "", "`NAME` of the server; otherwise what SERVER_NAME in the environment says, or localhost")
	f.StringVar(&o.Data, "data", "", "`DIR` for everything that it writes")
	f.StringVar(&o.ClientListen, "client-listen", "127.0.0.1:8008", "`ADDR` for clients")
	f.StringVar(&o.FederationListen, "federation-listen", "", "`ADDR` for other servers, with HTTPS")
	f.StringVar(&o.ClientTLSListen, "client-tls-listen", "", "`ADDR` for clients with HTTPS")
	f.StringVar(&o.Database, "database", "", "`URL` of a PostgreSQL database; otherwise SQLite in DIR")
	f.StringVar(&o.TLSCert, "tls-cert", "", "`FILE` with the certificate; otherwise it makes one")
	f.StringVar(&o.TLSKey, "tls-key", "", "`FILE` with the key of the certificate")
	f.StringVar(&o.RoomVersion, "room-version", "", "`VERSION` of new rooms, unless a client asks for another")
	f.StringVar(&o.TestCA, "test-ca", "", "`DIR` with ca.crt and ca.key, by which it signs its own certificate, and which it trusts")
	f.StringVar(&o.Appservices, "appservice", "", "`FILE-OR-DIR` with registrations of application services")
	cmd.run = func(ctx context.Context, c console, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not wanted here", args[0])
		}
		cfg, err := settings(f, file, throwaway, o, c)
		if err != nil {
			return err
		}
		return serve(ctx, cfg, c)
	}
	return cmd
}

// settings are those of the file, or with --throwaway those of the flags.
func settings(f *flag.FlagSet, file string, throwaway bool, o config.ThrowawayOptions, c console) (config.Config, error) {
	if !throwaway {
		var stray string
		f.Visit(func(given *flag.Flag) {
			if given.Name != "config" {
				stray = given.Name
			}
		})
		if stray != "" {
			return config.Config{}, usagef("--%s goes together with --throwaway only; otherwise there is a setting for it, see docs/config.md", stray)
		}
		return load(file, c)
	}
	if file != "" {
		return config.Config{}, usagef("--throwaway takes its settings from its flags, not from a file")
	}
	o.ServerName = cmp.Or(o.ServerName, c.getenv("SERVER_NAME"), "localhost")
	cfg, err := config.NewThrowaway(o)
	if err == nil {
		fmt.Fprintln(c.Err, cfg.Throwaway.Warning())
	}
	return cfg, err
}

// load reads the settings. What is wrong with them is said here, one a line.
func load(file string, c console) (config.Config, error) {
	cfg, err := config.Load(file, c.Env)
	if err == nil {
		return cfg, nil
	}
	if problems, ok := err.(config.Problems); ok {
		fmt.Fprintln(c.Err, "There is something to correct in the settings:")
		for _, p := range problems {
			fmt.Fprintf(c.Err, "  - %s\n", p)
		}
		return cfg, errReported
	}
	return cfg, err
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, cfg config.Config, c console) error {
	server, err := homeserver.New(ctx, cfg, newLog(cfg.Log, c.Err))
	if err != nil {
		return err
	}
	if err := welcome(ctx, c.Out, server, cfg); err != nil {
		return errors.Join(err, server.Close())
	}
	return server.Run(ctx)
}

// newLog returns the log that the settings ask for.
func newLog(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // the settings were checked before
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// welcome says where the server listens, and how to make the first account.
func welcome(ctx context.Context, w io.Writer, server *homeserver.Server, cfg config.Config) error {
	var links []string
	if cfg.Throwaway == nil {
		var err error
		if links, err = server.FirstAdminLinks(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "Plenum %s serves %s.\n", homeserver.Version(), cfg.ServerName)
	for _, a := range server.Addresses() {
		fmt.Fprintf(w, "  %-14s %s\n", a.For, a.URL)
	}
	fmt.Fprintf(w, "  %-14s %s\n", "data", cfg.DataFolder)
	fmt.Fprintf(w, "  %-14s %s (keep a copy elsewhere)\n", "keys", keyFolders(cfg))
	if len(links) > 0 {
		fmt.Fprintf(w, `
There is no account yet. Make the first one, the administrator's,
  in a browser:  %s
  or by typing:  %s user create --admin NAME%s

`, strings.Join(links, "\n             or  "), callName(), configFlag(cfg))
	}
	_, err := fmt.Fprintln(w, "Ctrl-C stops the server.")
	return err
}

// keyFolders names the folders of the key files.
func keyFolders(cfg config.Config) string {
	signing, media := filepath.Dir(cfg.SigningKeyFile), filepath.Dir(cfg.Media.KeyFile)
	if signing == media {
		return signing
	}
	return signing + ", " + media
}

// callName is how this program was started, for people to repeat.
func callName() string {
	name, err := os.Executable()
	switch {
	case err != nil:
		return "plenum"
	case strings.Contains(name, string(filepath.Separator)+"go-build"):
		return "go run ./cmd/plenum"
	}
	return os.Args[0]
}

// configFlag is what a command needs to find the same settings.
func configFlag(cfg config.Config) string {
	if cfg.File() == "" || cfg.File() == config.DefaultFile {
		return ""
	}
	return " --config " + cfg.File()
}
