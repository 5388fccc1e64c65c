package main

import (
	"archive/zip"
	"path/filepath"
	"testing"
)

func TestNotices(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("", "user", "create", "ada").succeeds("@ada:one.example")
	s.plenum("", "user", "create", "bob").succeeds("@bob:one.example")
	s.plenum("", "notice", "--to", "ada", "hello", "there").succeeds("^$")
	s.plenum("We stop at eight.\n", "notice", "--everybody").succeeds("^told 2\n$") // and not the server itself
	s.plenum("", "user", "list").succeeds("@notices:one.example")
	s.plenum("", "notice", "--to", "nobody", "hello").fails(exitFailed, "no such account")
	s.plenum("", "notice", "hello").fails(exitUsage, "--to NAME or --everybody")
	s.plenum("", "notice", "--to", "ada", "--everybody", "hello").fails(exitUsage, "--to NAME or --everybody")
	s.plenum(" \n", "notice", "--everybody").fails(exitUsage, "nothing to say")
}

func TestExportOfAnAccount(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("", "user", "create", "ada").succeeds("@ada:one.example")
	out := filepath.Join(s.dir, "ada.zip")
	s.plenum("", "user", "export", "ada", out).succeeds("^$")
	archive, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) < 5 {
		t.Errorf("%d files", len(archive.File))
	}
	s.plenum("", "user", "export", "ada", out).fails(exitFailed, "exists")
	other := filepath.Join(s.dir, "nobody.zip")
	s.plenum("", "user", "export", "nobody", other).fails(exitFailed, "no such account")
	s.plenum("", "user", "export", "ada", other).succeeds("^$") // what failed has left nothing behind
	s.plenum("", "user", "export", "ada").fails(exitUsage, "NAME and a FILE")
	s.plenum("", "user", "deactivate", "--erase", "--redact", "ada").succeeds("^$")
	s.plenum("", "user", "export", "ada", filepath.Join(s.dir, "late.zip")).fails(exitFailed, "no such account")
}
