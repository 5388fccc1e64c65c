package todevice_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee/todevice"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const (
	ada = id.UserID("@ada:one.example")
	bob = id.UserID("@bob:one.example")
)

// devices are those of each user.
type devices map[id.UserID][]id.DeviceID

func (d devices) DeviceIDs(_ context.Context, user id.UserID) ([]id.DeviceID, error) {
	return d[user], nil
}

type post struct {
	*testing.T
	*todevice.Sender
	db *storage.DB
}

func open(t *testing.T, db *storage.DB, most int) *post {
	t.Helper()
	known := devices{ada: {"PHONE"}, bob: {"PHONE", "LAPTOP"}}
	s, err := todevice.New(db, known, todevice.Options{ServerName: "one.example", MaxWaiting: most}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &post{t, s, db}
}

func (p *post) send(txn, text string, to ...id.DeviceID) {
	p.Helper()
	msgs := map[id.DeviceID]json.RawMessage{}
	for _, d := range to {
		msgs[d] = json.RawMessage(fmt.Sprintf(`{"text":%q}`, text))
	}
	err := p.Send(p.Context(), matrix.Principal{User: ada, Device: "PHONE"}, "m.test", txn, todevice.Messages{bob: msgs})
	if err != nil {
		p.Error(err)
	}
}

// get returns the texts of a page for a device of bob, and where it ends.
func (p *post) get(device id.DeviceID, after matrix.Position, limit int) (out []string, end matrix.Position) {
	p.Helper()
	msgs, end, err := p.Pending(p.Context(), bob, device, after, p.db.Committed(), limit)
	if err != nil {
		p.Fatal(err)
	}
	for _, m := range msgs {
		if gjson.GetBytes(m.JSON, "sender").Str != string(ada) || gjson.GetBytes(m.JSON, "type").Str != "m.test" {
			p.Errorf("message %s", m.JSON)
		}
		out = append(out, gjson.GetBytes(m.JSON, "content.text").Str)
	}
	return out, end
}

func (p *post) want(device id.DeviceID, after matrix.Position, want ...string) matrix.Position {
	p.Helper()
	got, end := p.get(device, after, 100)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.Errorf("%s gets %q, want %q", device, got, want)
	}
	return end
}

func TestMessagesWaitUntilTheyArrived(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := open(t, db, 0)
		p.want("PHONE", 0)
		p.send("1", "one", "*")
		p.send("1", "again", "*") // the same transaction
		p.send("2", "two", "PHONE", "NONE")
		p.want("LAPTOP", 0, "one")
		end := p.want("PHONE", 0, "one", "two")
		p.want("PHONE", 0, "one", "two") // the answer may have been lost
		p.want("PHONE", end)
		p = open(t, db, 0)
		p.want("PHONE", 0, "one", "two")
		if err := p.Acknowledge(t.Context(), bob, "PHONE", end); err != nil {
			t.Fatal(err)
		}
		p.want("PHONE", 0)
		p.send("3", "three", "PHONE")
		p.send("1", "again", "*")
		p.want("PHONE", 0, "three")
		p.want("LAPTOP", 0, "one")
	})
}

func TestPagesOfMessages(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := open(t, db, 0)
		for n := range 25 {
			p.send(fmt.Sprint(n), fmt.Sprint(n), "PHONE")
		}
		var all []string
		for after := matrix.Position(0); ; {
			page, end := p.get("PHONE", after, 10)
			if len(page) == 0 {
				break
			}
			all, after = append(all, page...), end
		}
		if len(all) != 25 || all[0] != "0" || all[24] != "24" {
			t.Errorf("got %v", all)
		}
	})
}

func TestLongQueuesLoseTheirOldest(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := open(t, db, 10)
		for n := range 25 {
			p.send(fmt.Sprint(n), fmt.Sprint(n), "PHONE")
		}
		if err := db.Write(t.Context(), func(*storage.Tx) error { return nil }); err != nil { // behind the shortening
			t.Fatal(err)
		}
		got, _ := p.get("PHONE", 0, 100)
		if len(got) > 10 || len(got) == 0 || got[len(got)-1] != "24" {
			t.Errorf("left: %v", got)
		}
	})
}

func TestNothingStaysOfADeviceThatIsGone(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := open(t, db, 0)
		p.send("1", "one", "*")
		err := db.Write(t.Context(), func(tx *storage.Tx) error {
			return p.DevicesGone(t.Context(), tx, bob, []id.DeviceID{"PHONE"})
		})
		if err != nil {
			t.Fatal(err)
		}
		p.want("PHONE", 0)
		p.want("LAPTOP", 0, "one")
	})
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := open(t, db, 0)
		for content, code := range map[string]matrix.Code{
			`[]`: matrix.BadJSON, `7`: matrix.BadJSON,
			`{"a":"` + strings.Repeat("x", math.MaxUint16) + `"}`: matrix.TooLarge,
		} {
			err := p.Send(t.Context(), matrix.Principal{User: ada}, "m.test", "t", todevice.Messages{bob: {"PHONE": json.RawMessage(content)}})
			if !matrix.IsCode(err, code) {
				t.Errorf("got %v, want %s", err, code)
			}
		}
	})
}

// Several senders at once, a receiver who reads and acknowledges meanwhile:
// every message arrives once, and those of one sender in order.
func TestMessagesUnderLoad(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const senders, each = 4, 50
		p := open(t, db, 0)
		var all sync.WaitGroup
		for n := range senders {
			all.Go(func() {
				for i := range each {
					p.send(fmt.Sprintf("%d/%d", n, i), fmt.Sprintf("%d/%d", n, i), "PHONE")
				}
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		next := map[int]int{}
		for after, last := matrix.Position(0), false; ; {
			page, end := p.get("PHONE", after, 7)
			for _, text := range page {
				var n, i int
				if _, err := fmt.Sscanf(text, "%d/%d", &n, &i); err != nil || next[n] != i {
					t.Fatalf("got %s, want number %d (%v)", text, next[n], err)
				}
				next[n]++
			}
			if err := p.Acknowledge(t.Context(), bob, "PHONE", after); err != nil {
				t.Fatal(err)
			}
			if after = end; len(page) > 0 {
				continue
			}
			if last {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		for n := range senders {
			if next[n] != each {
				t.Errorf("%d of sender %d arrived, want %d", next[n], n, each)
			}
		}
	})
}

// BenchmarkFanOut sends a message to 1,000 devices, as a client does that hands
// out the key of a room.
func BenchmarkFanOut(b *testing.B) {
	for _, engine := range []storage.Engine{storage.SQLite, storage.Postgres} {
		b.Run(engine.String(), func(b *testing.B) {
			known := devices{}
			msgs := todevice.Messages{}
			for n := range 1000 {
				user := id.UserID(fmt.Sprintf("@u%d:one.example", n))
				known[user] = []id.DeviceID{"PHONE"}
				msgs[user] = map[id.DeviceID]json.RawMessage{"PHONE": json.RawMessage(`{"ciphertext":"` + strings.Repeat("x", 1000) + `"}`)}
			}
			s, err := todevice.New(storagetest.Open(b, engine), known, todevice.Options{ServerName: "one.example"}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				n++
				if err := s.Send(context.Background(), matrix.Principal{User: ada, Device: "PHONE"}, "m.test", fmt.Sprint(n), msgs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
