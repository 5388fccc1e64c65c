package inbound_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/inbound"
	"plenum/internal/matrix"
)

// hall are rooms that note what comes. What a room is called says what it does
// with events.
type hall struct {
	mu   sync.Mutex
	came []string
	slow chan struct{} // rooms called !slow wait for it
}

func (h *hall) ServerMayTalk(_ context.Context, room id.RoomID, server string) (bool, error) {
	return server != "banned.example", nil
}

func (h *hall) Receive(ctx context.Context, origin string, raw json.RawMessage) (id.EventID, error) {
	room, ev := gjson.GetBytes(raw, "room_id").Str, id.EventID(gjson.GetBytes(raw, "id").Str)
	switch {
	case strings.HasPrefix(room, "!slow"):
		select {
		case <-h.slow:
		case <-ctx.Done():
			return ev, ctx.Err()
		}
	case room == "!panic":
		panic("a fault")
	case room == "!gap":
		return ev, errors.New("nobody tells")
	case room == "!no":
		return ev, matrix.Errorf(matrix.Forbidden, "You may not.")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.came = append(h.came, origin+" "+string(ev))
	return ev, nil
}

// list is what came so far.
func (h *hall) list() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.came)
}

func pdu(room, ev string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"room_id":%q,"id":%q}`, room, ev))
}

// run gives fn an Inbound inside a bubble of virtual time.
func run(t *testing.T, edus map[string]inbound.EDUHandler, fn func(t *testing.T, in *inbound.Inbound, h *hall)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hall{slow: make(chan struct{})}
		in, err := inbound.New(h, edus, inbound.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- in.Run(ctx) }()
		fn(t, in, h)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// counted returns a figure of in by its name and labels.
func counted(t *testing.T, in *inbound.Inbound, name string, labels ...string) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(in.Collectors()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			values := map[string]bool{}
			for _, l := range m.Label {
				values[l.GetValue()] = true
			}
			if f.GetName() == name && !slices.ContainsFunc(labels, func(v string) bool { return !values[v] }) {
				return m.Counter.GetValue()
			}
		}
	}
	return 0
}

func TestOutcomesAreToldAndCounted(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		results, err := in.Transaction(t.Context(), "two.example", "1", inbound.Transaction{PDUs: []json.RawMessage{
			pdu("!a", "$1"), pdu("!no", "$2"), pdu("!a", "$3"), pdu("!gap", "$4"), pdu("!panic", "$5"), json.RawMessage(`7`), json.RawMessage(`{"room_id":7}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(results) != 4 || results["$1"].Error != "" || results["$3"].Error != "" || results["$2"].Error != "You may not." || results["$4"].Error == "" {
			t.Errorf("results %v", results)
		}
		for reason, want := range map[string]float64{"taken": 2, "forbidden": 2, "unfounded": 1, "malformed": 2, "panic": 1} {
			if got := counted(t, in, "plenum_inbound_events_total", reason); got != want {
				t.Errorf("%s: counted %v, want %v", reason, got, want)
			}
		}
	})
}

func TestTransactionsThatComeAgain(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		for range 3 {
			if results, err := in.Transaction(t.Context(), "two.example", "1", inbound.Transaction{PDUs: []json.RawMessage{pdu("!a", "$1")}}); err != nil || len(results) != 1 {
				t.Errorf("%v, %v", results, err)
			}
		}
		if len(h.list()) != 1 {
			t.Errorf("taken in: %v", h.list())
		}
	})
}

func TestServersThatAreKeptOut(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		if _, err := in.Transaction(t.Context(), "banned.example", "1", inbound.Transaction{PDUs: []json.RawMessage{pdu("!a", "$1")}}); err != nil {
			t.Error(err)
		}
		if len(h.list()) != 0 || counted(t, in, "plenum_inbound_events_total", "kept out") != 1 {
			t.Errorf("taken in: %v", h.list())
		}
	})
}

// A room that waits for what nobody tells holds up neither other rooms, nor
// other servers, nor the answer for ever.
func TestSlowRoomsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		begun := time.Now()
		results, err := in.Transaction(t.Context(), "two.example", "1", inbound.Transaction{PDUs: []json.RawMessage{pdu("!slow", "$1"), pdu("!a", "$2")}})
		if err != nil || len(results) != 0 || time.Since(begun) != time.Minute {
			t.Errorf("%v, %v after %v", results, err, time.Since(begun))
		}
		if len(h.list()) != 1 || h.list()[0] != "two.example $2" {
			t.Errorf("taken in: %v", h.list())
		}
		if results, err := in.Transaction(t.Context(), "three.example", "1", inbound.Transaction{PDUs: []json.RawMessage{pdu("!a", "$3")}}); err != nil || len(results) != 1 {
			t.Errorf("%v, %v", results, err)
		}
		close(h.slow)
		synctest.Wait()
		if len(h.list()) != 3 {
			t.Errorf("taken in: %v", h.list())
		}
	})
}

func TestFloodsAreTurnedAway(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		for i := range 8 {
			go func() {
				_, _ = in.Transaction(t.Context(), "two.example", fmt.Sprint(i), inbound.Transaction{PDUs: []json.RawMessage{pdu("!slow", "$1")}})
			}()
		}
		synctest.Wait()
		if _, err := in.Transaction(t.Context(), "two.example", "more", inbound.Transaction{}); !matrix.IsCode(err, matrix.LimitExceeded) {
			t.Errorf("a ninth transaction: %v", err)
		}
		if _, err := in.Transaction(t.Context(), "three.example", "1", inbound.Transaction{}); err != nil {
			t.Errorf("another server: %v", err)
		}
		close(h.slow)
		synctest.Wait()
		if _, err := in.Transaction(t.Context(), "two.example", "more", inbound.Transaction{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestTooMuchAtOnce(t *testing.T) {
	t.Parallel()
	run(t, nil, func(t *testing.T, in *inbound.Inbound, h *hall) {
		for _, tx := range []inbound.Transaction{{PDUs: make([]json.RawMessage, 51)}, {EDUs: make([]json.RawMessage, 101)}} {
			if _, err := in.Transaction(t.Context(), "two.example", "1", tx); !matrix.IsCode(err, matrix.TooLarge) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestEDUs(t *testing.T) {
	t.Parallel()
	var got []string
	fails := true
	handlers := map[string]inbound.EDUHandler{
		"m.good": func(_ context.Context, origin string, content json.RawMessage) error {
			got = append(got, origin+string(content))
			return nil
		},
		"m.bad":   func(context.Context, string, json.RawMessage) error { return matrix.Errorf(matrix.Forbidden, "No.") },
		"m.panic": func(context.Context, string, json.RawMessage) error { panic("a fault") },
		"m.disk": func(context.Context, string, json.RawMessage) error {
			if fails {
				return errors.New("the disk is full")
			}
			return nil
		},
	}
	run(t, handlers, func(t *testing.T, in *inbound.Inbound, h *hall) {
		send := func(edus ...string) error {
			var tx inbound.Transaction
			for _, e := range edus {
				tx.EDUs = append(tx.EDUs, json.RawMessage(e))
			}
			_, err := in.Transaction(t.Context(), "two.example", fmt.Sprint(edus), tx)
			return err
		}
		if err := send(`{"edu_type":"m.good","content":{"n":1}}`, `7`, `{"edu_type":7}`, `{"edu_type":"m.good","content":7}`, `{"edu_type":"x","content":{}}`,
			`{"edu_type":"m.bad","content":{}}`, `{"edu_type":"m.panic","content":{}}`, `{"edu_type":"m.good","content":{"n":2}}`); err != nil {
			t.Error(err)
		}
		if len(got) != 2 || got[0] != `two.example{"n":1}` || got[1] != `two.example{"n":2}` {
			t.Errorf("taken in: %v", got)
		}
		disk := `{"edu_type":"m.disk","content":{}}`
		if err := send(disk); err == nil {
			t.Error("what could not be kept was acknowledged")
		}
		fails = false
		if err := send(disk); err != nil {
			t.Errorf("when it comes again: %v", err)
		}
	})
}
