package homeserver_test

import (
	"testing"

	"plenum/homeserver/hstest"
)

func TestServersTellTheirKeys(t *testing.T) {
	t.Parallel()
	servers := hstest.Federation(t, "one.example", "two.example")
	one, two := servers[0].Nobody(), servers[1].Nobody()
	own := one.Get("/_matrix/key/v2/server")
	if own.Get("server_name").Str != "one.example" || len(own.Get("verify_keys").Map()) != 1 || !own.Get("signatures.one\\.example").Exists() {
		t.Errorf("its keys: %s", own.Raw)
	}
	told := two.Get("/_matrix/key/v2/query/one.example").Get("server_keys.0")
	if told.Get("verify_keys").Raw != own.Get("verify_keys").Raw || len(told.Get("signatures").Map()) != 2 {
		t.Errorf("what the other says of it: %s", told.Raw)
	}
}
