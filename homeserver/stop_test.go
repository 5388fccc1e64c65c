package homeserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"plenum/homeserver/hstest"
)

// A server that stops lets nobody wait: those who wait for news are answered,
// those who are sending are served or refused, and what was acknowledged is
// there after the next start, once.
func TestStoppingWithAThousandWaiting(t *testing.T) {
	t.Parallel()
	const people, each, writers, within = 50, 20, 8, 2 * time.Second
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada")
		room := ada.CreateRoom(hstest.Public)
		w := &stopping{T: t, s: s}

		for i := range people {
			who := s.Client("waiting" + strconv.Itoa(i))
			who.Sync()
			for range each {
				w.wait(who.Token, v3+"/sync?timeout=600000&since="+who.Since)
			}
		}
		for i := range writers {
			who := s.Client("writer" + strconv.Itoa(i))
			who.Join(room)
			w.write(who, hstest.Path(v3, "rooms", room, "send", "m.room.message"))
		}
		w.begun.Wait()
		for range writers { // so that some are in the middle of it
			ada.Get(v3 + "/account/whoami")
		}

		start := time.Now()
		s.Stop()
		w.ended.Wait()
		if took := time.Since(start); took > within {
			t.Errorf("stopping took %s, want at most %s", took, within)
		}
		if n := len(w.answered); n < people*each*9/10 {
			t.Errorf("of %d who waited, %d were answered", people*each, n)
		}

		s.Start()
		said := ada.Said(room)
		slices.Sort(said)
		for _, text := range w.acknowledged {
			first, found := slices.BinarySearch(said, text)
			if !found || first+1 < len(said) && said[first+1] == text {
				t.Errorf("%q was acknowledged and is there: %v, twice or more: %v", text, found, found)
			}
		}
		if len(w.acknowledged) == 0 {
			t.Error("nobody could write")
		}
	})
}

// stopping is many requests while a server stops.
type stopping struct {
	*testing.T
	s            *hstest.Server
	begun, ended sync.WaitGroup

	mu           sync.Mutex
	answered     []string // tokens of syncs
	acknowledged []string // texts of messages
}

// wait makes a request that waits for news.
func (w *stopping) wait(token, path string) {
	w.begun.Add(1)
	w.ended.Go(func() {
		w.begun.Done()
		status, answer := w.ask(http.MethodGet, path, token, "")
		next := gjson.Get(answer, "next_batch").Str
		if status == http.StatusOK && next == "" || status != http.StatusOK && status != http.StatusServiceUnavailable {
			w.Errorf("a sync was answered %d %s", status, answer)
		}
		if next != "" {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answered = append(w.answered, next)
		}
	})
}

// write sends messages until the server takes no more.
func (w *stopping) write(who *hstest.Client, path string) {
	w.begun.Add(1)
	w.ended.Go(func() {
		for i := 0; ; i++ {
			text := fmt.Sprint(who.User, " ", i)
			status, answer := w.ask(http.MethodPut, path+"/"+strconv.Itoa(i), who.Token, `{"msgtype":"m.text","body":"`+text+`"}`)
			if i == 0 {
				w.begun.Done()
			}
			if status == http.StatusServiceUnavailable {
				return
			}
			if status != http.StatusOK {
				w.Errorf("a message was answered %d %s", status, answer)
				return
			}
			w.mu.Lock()
			w.acknowledged = append(w.acknowledged, text)
			w.mu.Unlock()
		}
	})
}

func (w *stopping) ask(method, path, token, body string) (int, string) {
	r, err := http.NewRequestWithContext(context.Background(), method, "http://server"+path, strings.NewReader(body))
	if err != nil {
		w.Error(err)
		return 0, ""
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := w.s.RoundTrip(r)
	if err != nil {
		w.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Error(err)
	}
	return resp.StatusCode, string(bytes.TrimSpace(answer))
}
