package hstest_test

import (
	"testing"

	"plenum/homeserver/hstest"
)

// TestARoomWithoutAccountDataSaysSo keeps the list in the first answer, where
// clients that deleted their data look for it in vain.
func TestARoomWithoutAccountDataSaysSo(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	room := ada.CreateRoom(hstest.Private)
	if list := hstest.Part(ada.Sync(), "rooms", "join", string(room), "account_data", "events"); list.Raw != "[]" {
		t.Errorf("the account data of the room is %q", list.Raw)
	}
}
