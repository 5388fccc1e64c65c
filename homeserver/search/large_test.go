package search_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

// largeTests names the variable that lets tests with a lot of data run.
const largeTests = "PLENUM_TEST_LARGE"

// TestAMillionMessages measures how fast they get into the index, how much
// place that takes, and how fast they are found: by ada, who is in every room,
// bob, who is in fifty, and eve, who is in the largest only.
func TestAMillionMessages(t *testing.T) {
	if os.Getenv(largeTests) == "" {
		t.Skip("takes minutes: set " + largeTests)
	}
	const messages, roomsInAll = 1_000_000, 1000
	for _, engine := range storagetest.Engines {
		t.Run(engine.String(), func(t *testing.T) {
			w := open(t, storagetest.Open(t, engine), search.Options{})
			c := newChatter(roomsInAll)
			rooms := w.crowd(roomsInAll)
			begin := time.Now()
			w.fill(c, rooms, messages)
			t.Logf("written in %s", time.Since(begin).Round(time.Second))
			w.reopen()
			w.indexAll(messages)
			w.measure(c)
		})
	}
}

// indexAll lets the index be built, and says how long that took.
func (w *world) indexAll(messages int) {
	w.Helper()
	begin := time.Now()
	w.run()
	w.must(w.Settle(w.Context(), w.db.Committed()))
	took := time.Since(begin)
	w.Logf("indexed in %s, %.0f messages a second", took.Round(100*time.Millisecond), float64(messages)/took.Seconds())
	w.restart()
	w.must(w.db.Read(w.Context(), func(tx *storage.Tx) error {
		type row struct{ Pages, Bytes int64 }
		r, _, err := storage.One[row](w.Context(), tx, `SELECT count(*), CAST(sum(length(words)) AS BIGINT) FROM search_page`)
		w.Logf("%d pages, %.1f MiB, %.0f bytes a message", r.Pages, float64(r.Bytes)/(1<<20), float64(r.Bytes)/float64(messages))
		return err
	}))
}

// measure says how long searches take.
func (w *world) measure(c *chatter) {
	w.Helper()
	for _, user := range []id.UserID{ada, bob, eve} {
		for _, kind := range []struct {
			name string
			term func() string
		}{
			{"a frequent word", func() string { return c.words[c.r.IntN(20)] }},
			{"a usual word", func() string { return c.words[200+c.r.IntN(800)] }},
			{"a rare word", func() string { return c.words[20_000+c.r.IntN(20_000)] }},
			{"three words", func() string {
				return c.words[c.r.IntN(300)] + " " + c.words[c.r.IntN(300)] + " " + c.words[c.r.IntN(300)]
			}},
			{"a phrase", func() string { return `"` + c.words[c.r.IntN(50)] + " " + c.words[c.r.IntN(50)] + `"` }},
			{"two letters", func() string { return c.words[c.r.IntN(1000)][:2] }},
		} {
			var took []time.Duration
			found := 0
			for range 60 {
				q := newest(kind.term())
				q.Recent = c.r.IntN(2) == 0
				begin := time.Now()
				found += w.ask(user, q).Count
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			w.Logf("%-16s %-16s %8d found  p50 %8s  p99 %8s", user.Localpart(), kind.name, found/len(took),
				took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
		}
	}
}

// chatter says things: a few words often, most of them seldom, in a few rooms
// much, in most of them little.
type chatter struct {
	r     *rand.Rand
	words []string
	zipf  *rand.Zipf
	rooms *rand.Zipf
}

func newChatter(rooms int) *chatter {
	r := rand.New(rand.NewPCG(1, 2))
	c := &chatter{r: r}
	syllables := strings.Fields("ka to ri men sol ver an te lo mi ster bur gen el za no pu ch wa ix ö й")
	for range 60_000 {
		word := ""
		for range 1 + r.IntN(4) {
			word += syllables[r.IntN(len(syllables))]
		}
		c.words = append(c.words, word)
	}
	c.zipf = rand.NewZipf(r, 1.1, 2, uint64(len(c.words)-1))
	c.rooms = rand.NewZipf(r, 1.05, 20, uint64(rooms-1))
	return c
}

func (c *chatter) text() string {
	list := make([]string, min(1+int(c.r.ExpFloat64()*9), 200))
	for i := range list {
		list[i] = c.words[c.zipf.Uint64()]
	}
	return strings.Join(list, " ")
}

// crowd makes rooms in which all of ada, some of bob and one of eve is.
func (w *world) crowd(n int) []eventlog.RoomRow {
	w.Helper()
	log, err := eventlog.New()
	w.must(err)
	out := make([]eventlog.RoomRow, n)
	for i := range n {
		people := []id.UserID{ada}
		if i%(n/50) == 0 {
			people = append(people, bob)
		}
		if i == 0 {
			people = append(people, eve)
		}
		room := w.create(people...)
		w.must(w.db.Read(w.Context(), func(tx *storage.Tx) (err error) {
			out[i], _, err = log.Room(w.Context(), tx, room)
			return err
		}))
	}
	return out
}

// fill writes messages into the log, past the rooms: there are so many.
func (w *world) fill(c *chatter, rooms []eventlog.RoomRow, messages int) {
	w.Helper()
	log, err := eventlog.New()
	w.must(err)
	for n := 0; n < messages; n += 1000 {
		entries := make([]eventlog.Entry, 1000)
		for i := range entries {
			room := rooms[c.rooms.Uint64()]
			var hash [32]byte
			for j := range 4 {
				hash[j], hash[8+j] = byte(c.r.Uint32()), byte((n+i)>>(8*j))
			}
			entries[i] = eventlog.Entry{
				Room: room.NID, Type: "m.room.message", Sender: ada, TS: int64(n + i),
				ID: id.EventID("$" + base64.RawURLEncoding.EncodeToString(hash[:])),
				JSON: fmt.Appendf(nil, `{"auth_events":[],"content":{"body":%s,"msgtype":"m.text"},"depth":5,"hashes":{"sha256":"x"},`+
					`"origin_server_ts":%d,"prev_events":[],"room_id":%q,"sender":%q,"type":"m.room.message"}`, quote(c.text()), n+i, room.ID, ada),
			}
		}
		w.must(w.db.Write(w.Context(), func(tx *storage.Tx) error {
			for i := range entries {
				if _, err := log.Append(w.Context(), tx, &entries[i]); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
