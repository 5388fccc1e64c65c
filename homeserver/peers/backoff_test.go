package peers_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plenum/homeserver/peers"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// moody is a server that is there or not.
type moody struct {
	there bool
	asked int
}

func (m *moody) RoundTrip(*http.Request) (*http.Response, error) {
	m.asked++
	if !m.there {
		return nil, errors.New("connection refused")
	}
	return fine(strings.NewReader(`{"server":{}}`))
}

func TestSilentServersAreAskedLessAndLess(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.SQLite)
	now := time.UnixMilli(1_700_000_000_000)
	m := &moody{}
	one := newServer(t, db, here, peers.Options{Transport: m, Now: func() time.Time { return now }})
	var last time.Duration
	for range 40 {
		_, err := one.Version(t.Context(), there)
		var pause *peers.BackoffError
		if errors.As(err, &pause) {
			t.Fatalf("left alone when it may be asked: %v", err)
		}
		if _, err := one.Version(t.Context(), there); !errors.As(err, &pause) || !errors.Is(err, peers.ErrBackoff) || !pause.Until.Equal(one.Until(there)) {
			t.Fatalf("not left alone: %v", err)
		}
		d := one.Until(there).Sub(now)
		if d < 4*time.Second || d > 24*time.Hour || d < last/2 {
			t.Fatalf("left alone for %v after %v", d, last)
		}
		last = d
		now = one.Until(there)
	}
	if last < 19*time.Hour {
		t.Errorf("left alone for %v in the end", last)
	}
	if m.asked != 40 {
		t.Errorf("asked %d times", m.asked)
	}

	// Somebody who waits is served a little earlier.
	_, _ = one.Version(t.Context(), there)
	asked := m.asked
	_, _, _ = one.QueryDirectory(t.Context(), there, "#a:two.example")
	now = now.Add(time.Minute)
	_, _ = one.Version(t.Context(), there)
	if m.asked != asked {
		t.Error("asked too early")
	}
	_, _, _ = one.QueryDirectory(t.Context(), there, "#a:two.example")
	if m.asked != asked+1 {
		t.Error("not asked for somebody who waits")
	}

	// It speaks to us.
	sub := db.Bus().Subscribe(peers.AwakeTopic(there))
	defer sub.Close()
	m.there = true
	one.Heard(there)
	select {
	case <-sub.C():
	default:
		t.Error("nobody is told that it is back")
	}
	if _, err := one.Version(t.Context(), there); err != nil || !one.Until(there).IsZero() {
		t.Errorf("after it spoke: %v", err)
	}
}

func TestPausesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		now := time.UnixMilli(1_700_000_000_000)
		m := &moody{}
		start := func() (*server, func()) {
			one := newServer(t, db, here, peers.Options{Transport: m, Now: func() time.Time { return now }})
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- one.Run(ctx) }()
			return one, func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		}
		one, stop := start()
		for range 10 {
			_, _ = one.Version(t.Context(), there)
			now = one.Until(there)
		}
		_, _ = one.Version(t.Context(), there)
		until := one.Until(there)
		stop()

		one, stop = start()
		if got := one.Until(there); got.UnixMilli() != until.UnixMilli() {
			t.Errorf("left alone until %v, before %v", got, until)
		}
		one.Heard(there)
		stop()

		one, stop = start()
		if got := one.Until(there); !got.IsZero() {
			t.Errorf("left alone until %v though it has spoken", got)
		}
		stop()
	})
}

// TestManyFailuresAtOnceCountOnce fails calls that run side by side.
func TestManyFailuresAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.SQLite)
	synctest.Test(t, func(t *testing.T) {
		one := newServer(t, db, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return nil, errors.New("connection refused")
		})})
		for range 20 {
			go func() { _, _ = one.Version(t.Context(), there) }()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if d := time.Until(one.Until(there)); d <= 0 || d > 5*time.Second {
			t.Errorf("left alone for %v after one failure", d)
		}
	})
}
