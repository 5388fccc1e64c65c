package search_test

import (
	"fmt"
	"testing"

	"plenum/homeserver/search"
)

func TestWordsOfTheErasedGo(t *testing.T) {
	t.Parallel()
	for name, unsaved := range map[string]int{"on the disk": 1, "in memory": 100_000} {
		t.Run(name, func(t *testing.T) { each(t, search.Options{Unsaved: unsaved}, erase) })
	}
}

func erase(w *world) {
	room, other := w.create(ada, bob), w.create(bob, ada)
	w.set(ada, room, "m.room.topic", `{"topic":"secret topic"}`)
	for i := range 300 {
		w.say(ada, room, fmt.Sprintf("secret number%d", i))
		w.say(bob, room, fmt.Sprintf("public number%d", i))
	}
	w.edit(ada, room, w.say(ada, room, "first"), "secret edit")
	w.say(ada, other, "secret elsewhere")
	w.leave(ada, other)
	w.must(w.Gone(w.Context(), ada, false))
	if n := len(w.ask(bob, newest("secret")).Results); n == 0 {
		w.Error("who only leaves is not forgotten")
	}
	w.must(w.Gone(w.Context(), ada, true))
	w.must(w.Gone(w.Context(), ada, true)) // after a crash
	for range 2 {
		if got := w.ask(bob, newest("secret")).Results; len(got) != 0 {
			w.Errorf("%d messages are found", len(got))
		}
		if got := w.ask(bob, newest("public number7")).Results; len(got) == 0 {
			w.Error("others are forgotten, too")
		}
		w.restart()
		if n, err := w.OnDisk(w.Context(), "secret", room, other); n != 0 || err != nil {
			w.Errorf("%d messages on the disk, %v", n, err)
		}
	}
}
