package main

import "testing"

func TestSigningKeyIsReplaced(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("", "key", "rotate").fails(exitFailed, `there is no key yet`)
	s.plenum("", "user", "list").succeeds(`^$`) // starts a server, which makes one
	for range 2 {
		s.plenum("", "key", "rotate").succeeds(`^The new key is ed25519:p_\w+\. Restart the server`)
	}
	s.plenum("", "user", "list").succeeds(`^$`)
	s.plenum("", "key", "rotate", "now").fails(exitUsage, `"now" is not wanted here`)
}
