package index_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/homeserver/search/words"
	"plenum/internal/matrix"
)

const (
	ada = id.UserID("@ada:one.example")
	bob = id.UserID("@bob:one.example")
)

// said is a message.
func said(pos matrix.Position, sender id.UserID, text string) *index.Document {
	d := &index.Document{Pos: pos, Sender: sender}
	d.SetText(text)
	return d
}

// ask is a question for messages with words.
func ask(query string) *index.Question {
	q := &index.Question{Terms: words.ParseQuery(query).Terms()}
	q.Fields[index.Body] = true
	return q
}

func positions(hits []index.Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprint(h.Pos))
	}
	return strings.Join(out, " ")
}

// stored returns what is stored of documents.
func stored(t testing.TB, docs ...*index.Document) (matrix.Position, []index.Page) {
	t.Helper()
	s := index.NewStretch(docs[0].Pos)
	for _, d := range docs {
		s.Add(d)
	}
	return s.Low, write(t, s)
}

func write(t testing.TB, s *index.Stretch) []index.Page {
	t.Helper()
	pages, err := s.Pages()
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestDocumentsAreFound(t *testing.T) {
	t.Parallel()
	docs := []*index.Document{
		said(10, ada, "the house is green"),
		said(20, bob, "a boat, a boat, a boat"),
		said(35, ada, "House and boat"),
		said(400, bob, "boathouse"),
	}
	low, pages := stored(t, docs...)
	for query, want := range map[string]string{
		"house": "10 35", "boat": "20 35 400", `"boat"`: "20 35", "house boat": "35", "boat -house": "20 400", "bo": "20 35 400", "b": "",
		"green house": "10", "nothing": "", "house nothing": "",
	} {
		hits, err := ask(query).Search(low, pages)
		if got := positions(hits); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", query, got, err, want)
		}
		if got := positions(ask(query).SearchDocuments(docs)); got != want {
			t.Errorf("%s, without pages: %s, want %s", query, got, want)
		}
	}
}

func TestTheBestScoreMost(t *testing.T) {
	t.Parallel()
	low, pages := stored(t,
		said(1, ada, "household"),
		said(2, ada, "it is a long story how we came to live in this house, and nobody wants to hear it any more at all"),
		said(3, ada, "a house"),
		said(4, ada, "house"),
	)
	q := ask("house")
	hits, err := q.Search(low, pages)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(hits, func(a, b index.Hit) int { return b.Score - a.Score })
	if got := positions(hits); got != "3 4 2 1" {
		t.Errorf("order %s: %v", got, hits)
	}
	if hits[0].Score > q.MaxScore() {
		t.Errorf("score %d, and at most %d", hits[0].Score, q.MaxScore())
	}
}

func TestMarksDecide(t *testing.T) {
	t.Parallel()
	picture := said(2, bob, "")
	picture.HasURL = true
	picture.SetText("a tree")
	edited := said(3, ada, "")
	edited.Edit = 7
	edited.SetText("the tree")
	name := &index.Document{Pos: 4, Sender: ada, Field: index.Name}
	name.SetText("Tree house")
	topic := &index.Document{Pos: 5, Sender: ada, Field: index.Topic}
	topic.SetText("All about trees")
	low, pages := stored(t, said(1, ada, "tree 5"), picture, edited, name, topic)
	yes, no := true, false
	for what, c := range map[string]struct {
		change func(*index.Question)
		want   string
	}{
		"messages":     {func(*index.Question) {}, "1 2 3"},
		"names":        {func(q *index.Question) { q.Fields = [index.Fields]bool{index.Name: true} }, "4"},
		"everything":   {func(q *index.Question) { q.Fields = [index.Fields]bool{true, true, true} }, "1 2 3 4 5"},
		"ada's":        {func(q *index.Question) { q.Senders = func(u id.UserID) bool { return u == ada } }, "1 3"},
		"with url":     {func(q *index.Question) { q.URL = &yes }, "2"},
		"without url":  {func(q *index.Question) { q.URL = &no }, "1 3"},
		"only numbers": {func(q *index.Question) { q.Terms = words.ParseQuery("5").Terms() }, "1"},
	} {
		q := ask("tree")
		c.change(q)
		hits, err := q.Search(low, pages)
		if got := positions(hits); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", what, got, err, c.want)
		}
		for _, h := range hits {
			if (h.Pos == 3) != (h.Edit == 7) {
				t.Errorf("%s: %d is edited by %d", what, h.Pos, h.Edit)
			}
		}
	}
	if pos, ok, err := index.EditedBy(low, 7, pages); pos != 3 || !ok || err != nil {
		t.Errorf("7 edited %d, %v, %v", pos, ok, err)
	}
	if _, ok, err := index.EditedBy(low, 8, pages); ok || err != nil {
		t.Errorf("8 edited something: %v, %v", ok, err)
	}
	for pos, want := range map[matrix.Position]bool{1: true, 5: true, 6: false, 7: false} {
		if has, err := index.Has(low, pos, pages); has != want || err != nil {
			t.Errorf("document at %d: %v, %v", pos, has, err)
		}
	}
}

// TestNothingStays checks that the words of what was removed are in no page.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 2000} { // a page, and shelves
		s := index.NewStretch(1)
		for i := range size {
			s.Add(said(matrix.Position(i+1), ada, fmt.Sprintf("word%d is harmless", i)))
		}
		s.Add(said(matrix.Position(size+1), bob, "password zxqvbnm"))
		s = index.ReadStretch(1, s.High, write(t, s))
		if shelves := s.IsFull(); shelves != (size > 3) {
			t.Errorf("%d messages: full %v", size, shelves)
		}
		s.Remove(matrix.Position(size + 1))
		pages := write(t, s)
		for _, p := range pages {
			for _, secret := range []string{"zxq", "assword", "bob"} {
				if strings.Contains(string(p.Data), secret) {
					t.Errorf("%d messages: %q stays on shelf %d", size, secret, p.Shelf)
				}
			}
		}
		if hits, err := ask("harmless").Search(1, pages); len(hits) != size || err != nil {
			t.Errorf("%d of %d others are there: %v", len(hits), size, err)
		}
	}
}

func TestAnEmptyStretchHasNoPages(t *testing.T) {
	t.Parallel()
	s := index.NewStretch(5)
	s.Add(said(5, ada, "gone"))
	s = index.ReadStretch(5, 5, write(t, s))
	s.Remove(5, 6)
	if pages := write(t, s); len(pages) != 0 {
		t.Errorf("pages %v", pages)
	}
}

func TestNoWordsNoDocument(t *testing.T) {
	t.Parallel()
	if d := said(1, ada, "…!"); !d.IsEmpty() {
		t.Error("dots are words")
	}
}

// TestSearchingIsReading compares what is found with what is there, however a
// stretch came about.
func TestSearchingIsReading(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	vocabulary := strings.Fields("alpha alphabet beta betamax gamma über uber 日本 日本語 42 420 приве привет")
	texts := map[matrix.Position]string{}
	s := index.NewStretch(-5)
	for range 30 {
		for range 60 {
			pos := matrix.Position(r.IntN(3000) - 5)
			s.Remove(pos)
			delete(texts, pos)
			if r.IntN(4) == 0 {
				continue
			}
			var text []string
			for range 1 + r.IntN(5) {
				text = append(text, vocabulary[r.IntN(len(vocabulary))])
			}
			texts[pos] = strings.Join(text, " ")
			s.Add(said(pos, ada, texts[pos]))
		}
		pages := write(t, s)
		s = index.ReadStretch(s.Low, s.High, pages)
		for _, query := range []string{"alpha", `"alpha"`, "beta uber", "42 -420", "日本", "привет", "al be ga"} {
			want := []matrix.Position{}
			for pos, text := range texts {
				if _, ok := words.ParseQuery(query).Match(text); ok {
					want = append(want, pos)
				}
			}
			slices.Sort(want)
			hits, err := ask(query).Search(s.Low, pages)
			got := []matrix.Position{}
			for _, h := range hits {
				got = append(got, h.Pos)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s: %v, %v, want %v", query, got, err, want)
			}
		}
	}
}

// FuzzPages checks that damaged pages are refused, and never more.
func FuzzPages(f *testing.F) {
	s := index.NewStretch(1)
	for i := range 5 {
		s.Add(said(matrix.Position(i*i+1), ada, fmt.Sprintf("hello world %d", i)))
	}
	f.Add(write(f, s)[0].Data)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{1, 1, 'a'})
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		pages := []index.Page{{Data: data}}
		_, _ = ask("hello").Search(1, pages)
		_, _, _ = index.EditedBy(1, 5, pages)
		st := index.ReadStretch(1, 100, pages)
		st.Add(said(50, bob, "hello there"))
		again, err := st.Pages()
		if err != nil {
			return
		}
		if _, err := index.ReadStretch(1, 100, again).Pages(); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

func BenchmarkStretch(b *testing.B) {
	s := index.NewStretch(1)
	r := rand.New(rand.NewPCG(1, 2))
	n := 0
	for ; !s.IsFull(); n++ {
		var text []string
		for range 10 {
			text = append(text, fmt.Sprintf("w%d", int(3000*r.Float64()*r.Float64()*r.Float64())))
		}
		s.Add(said(matrix.Position(1+40*n), ada, strings.Join(text, " ")))
	}
	pages := write(b, s)
	size := 0
	for _, p := range pages {
		size += len(p.Data)
	}
	b.Logf("%d messages, %d bytes on %d shelves", n, size, len(pages))
	b.Run("search", func(b *testing.B) {
		q := ask("w12 w3")
		for b.Loop() {
			if _, err := q.Search(1, pages); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write anew", func(b *testing.B) {
		for b.Loop() {
			s := index.ReadStretch(1, s.High, pages)
			s.Add(said(s.High+1, ada, "one message more"))
			write(b, s)
		}
	})
}
