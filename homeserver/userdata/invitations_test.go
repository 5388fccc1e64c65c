package userdata_test

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const (
	blockType  = "m.invite_permission_config"
	filterType = "org.matrix.msc4155.invite_permission_config"
)

func TestWhoMayInvite(t *testing.T) {
	t.Parallel()
	const system = id.UserID("@server:one.example")
	w := open(t, storagetest.Open(t, storage.SQLite), userdata.Options{System: system})
	friend, stranger := id.UserID("@friend:two.example"), id.UserID("@stranger:two.example:8448")
	for _, c := range []struct {
		typ, content string
		by           id.UserID
		want         userdata.Invitation
	}{
		{blockType, `{}`, friend, userdata.Welcome},
		{blockType, `{"default_action":"allow"}`, friend, userdata.Welcome},
		{blockType, `{"default_action":"block"}`, friend, userdata.Blocked},
		{blockType, `{"default_action":"block"}`, system, userdata.Welcome},
		{blockType, `{"default_action":["block"]}`, friend, userdata.Welcome},
		{"org.matrix.msc4380.invite_permission_config", `{"default_action":"block"}`, friend, userdata.Blocked},
		{"m.ignored_user_list", `{"ignored_users":{"@friend:two.example":{}}}`, friend, userdata.Hidden},
		{"m.ignored_user_list", `{"ignored_users":{"@friend:two.example":{}}}`, stranger, userdata.Welcome},

		{filterType, `{"blocked_users":["@friend:two.example"]}`, friend, userdata.Blocked},
		{filterType, `{"blocked_users":["@friend:two.example"]}`, stranger, userdata.Welcome},
		{filterType, `{"ignored_users":["@FRIEND:*"]}`, friend, userdata.Hidden},
		{filterType, `{"blocked_servers":["two.example"]}`, stranger, userdata.Blocked},
		{filterType, `{"ignored_servers":["*.example"]}`, stranger, userdata.Hidden},
		{filterType, `{"blocked_servers":["*"],"allowed_servers":["two.*"]}`, stranger, userdata.Welcome},
		{filterType, `{"blocked_servers":["*"],"allowed_users":["@friend:*"]}`, friend, userdata.Welcome},
		{filterType, `{"blocked_servers":["*"],"allowed_users":["@friend:*"]}`, stranger, userdata.Blocked},
		{filterType, `{"allowed_servers":["*"],"blocked_users":["@friend:*"]}`, friend, userdata.Blocked},
		{filterType, `{"allowed_users":["*"],"ignored_users":["*"],"blocked_users":["*"]}`, friend, userdata.Welcome},
		{filterType, `{"enabled":false,"blocked_servers":["*"]}`, friend, userdata.Welcome},
		{filterType, `{"blocked_servers":null,"blocked_users":["@friend:*"]}`, friend, userdata.Blocked},
		{filterType, `{"blocked_servers":"*","blocked_users":["@friend:*"]}`, friend, userdata.Welcome}, // malformed
	} {
		w.must(w.SetAccountData(t.Context(), ada, "", c.typ, json.RawMessage(c.content)))
		got, err := w.Invitations(t.Context(), ada)
		w.must(err)
		if got.Judge(c.by) != c.want {
			t.Errorf("%s %s: %s is judged %d, want %d", c.typ, c.content, c.by, got.Judge(c.by), c.want)
		}
		may := w.MayInvite(t.Context(), ada, c.by)
		if matrix.IsCode(may, matrix.InviteBlocked) != (c.want == userdata.Blocked) {
			t.Errorf("%s %s: %s may: %v", c.typ, c.content, c.by, may)
		}
		w.must(w.SetAccountData(t.Context(), ada, "", c.typ, json.RawMessage(`{}`)))
	}
}

// TestWhoMayInviteIsRemembered reads what was set before the server started,
// in whatever order it was set.
func TestWhoMayInviteIsRemembered(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.must(w.SetAccountData(w.Context(), ada, "", filterType, json.RawMessage(`{"blocked_users":["`+string(bob)+`"]}`)))
		w.must(w.SetAccountData(w.Context(), ada, "", "m.ignored_user_list", json.RawMessage(`{"ignored_users":{"`+string(eve)+`":{}}}`)))
		w.restart()
		got, err := w.Invitations(w.Context(), ada)
		w.must(err)
		if got.Judge(bob) != userdata.Blocked || got.Judge(eve) != userdata.Hidden || got.Judge("@x:y") != userdata.Welcome {
			w.Errorf("bob %d, eve %d, somebody %d", got.Judge(bob), got.Judge(eve), got.Judge("@x:y"))
		}
	})
}
