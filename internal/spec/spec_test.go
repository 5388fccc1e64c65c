package spec

import (
	"slices"
	"testing"
)

func TestListIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range Endpoints() {
		if seen[e.Shape()] {
			t.Errorf("%s is there twice", e)
		}
		seen[e.Shape()] = true
		if !slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, e.Method) || e.Path[0] != '/' {
			t.Errorf("endpoint %+v", e)
		}
		if !slices.Contains([]string{"client", "server"}, e.API) || !slices.Contains([]string{"1", "2", "3"}, e.Tier) {
			t.Errorf("endpoint %+v", e)
		}
	}
	if !seen["PUT /_matrix/client/v3/rooms/{}/send/{}/{}"] {
		t.Error("sending messages is not in the list")
	}
}

func TestProposed(t *testing.T) {
	t.Parallel()
	for since, want := range map[string]bool{"r0": false, "1.15": false, "MSC4140": true, "other": true} {
		if got := (Endpoint{Since: since}).Proposed(); got != want {
			t.Errorf("%s: %v", since, got)
		}
	}
}
