package search_test

import (
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestWordsOfManyLanguages(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		said := []string{
			"Die Wohnungsbaugenossenschaft tagt in der Straße der Häuser",
			"Işıklar söndü, İstanbul uyuyor",
			"هذا كِتَابٌ جديد عن العمارة",
			"Вчера мы обсуждали переезд",
			"明天我们在图书馆开会",
			"내일 도서관에서 만나요",
			"ประชุมพรุ่งนี้",
			"Le château de l’architecte",
		}
		for _, text := range said {
			w.say(ada, room, text)
		}
		for _, disk := range []bool{false, true} {
			if disk {
				w.restart()
			}
			for term, want := range map[string]int{
				"wohnungsbau": 0, "WOHNUNG": 0, "strasse": 0, "hauser": 0, "Häuser": 0,
				"ışık": 1, "ISIK": 1, "istanbul": 1, "İSTANBUL": 1,
				"كتاب": 2, "العمار": 2,
				"вчера": 3, "ПЕРЕ": 3,
				"图书馆": 4, "开": 4,
				"도서관": 5, "서관": 5,
				"พรุ่ง":              6,
				"chateau architecte": 7, "l'architecte": 7,
			} {
				w.finds(ada, term, said[want])
			}
			w.finds(ada, "bau")
			w.finds(ada, "图馆")
		}
	})
}

func TestNamesAndTopics(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		w.set(ada, room, "m.room.name", `{"name":"Garden club"}`)
		w.set(ada, room, "m.room.topic", `{"topic":"All about the garden"}`)
		w.set(ada, room, "m.room.name", `{"name":"Allotment"}`)
		w.say(ada, room, "my garden")
		w.finds(ada, "garden", "Garden club", "All about the garden", "my garden")
		for want, fields := range map[string]search.Fields{
			"my garden": {Body: true}, "Garden club": {Name: true}, "All about the garden": {Topic: true},
		} {
			q := newest("garden")
			q.Fields = fields
			if got := texts(w.ask(ada, q)); got != want {
				t.Errorf("%+v: %s, want %s", fields, got, want)
			}
		}
	})
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, unsaved := range []int{1, 1000} { // on the disk, in memory
		t.Run(fmt.Sprint(unsaved), func(t *testing.T) {
			t.Parallel()
			each(t, search.Options{Unsaved: unsaved}, func(w *world) {
				room := w.create(ada, bob)
				said := w.say(ada, room, "first draft")
				w.finds(bob, "draft", "first draft")
				second := w.edit(ada, room, said, "second version")
				w.finds(bob, "draft")
				w.finds(bob, "version", "first draft") // the event as it was sent; clients find the edit beside it
				third := w.edit(ada, room, said, "third attempt")
				w.edit(bob, room, said, "not his to change")
				w.finds(bob, "version")
				w.finds(bob, "change")
				w.finds(bob, "attempt", "first draft")
				w.redact(ada, room, third)
				w.finds(bob, "attempt")
				w.finds(bob, "version", "first draft")
				w.redact(ada, room, second)
				w.finds(bob, "version")
				w.finds(bob, "draft", "first draft")
				w.edit(ada, room, said, "…")
				w.finds(bob, "draft")
				w.restart()
				w.finds(bob, "draft")
			})
		})
	}
}

func TestWhatIsRedactedIsGone(t *testing.T) {
	t.Parallel()
	for _, unsaved := range []int{1, 1000} {
		t.Run(fmt.Sprint(unsaved), func(t *testing.T) {
			t.Parallel()
			each(t, search.Options{Unsaved: unsaved}, func(w *world) {
				room := w.create(ada, bob)
				w.say(ada, room, "something else")
				first := w.say(ada, room, "my password is swordfish")
				second := w.say(bob, room, "swordfish? really?")
				name := w.set(ada, room, "m.room.name", `{"name":"Swordfish"}`)
				w.edit(bob, room, second, "swordfish! no!")
				w.finds(bob, "swordfish", "my password is swordfish", "swordfish? really?", "Swordfish")
				for i, ev := range []id.EventID{first, second, name} {
					w.redact(ada, room, ev)
					if a := w.ask(bob, newest("swordfish")); a.Count != 2-i {
						t.Errorf("%d are found, want %d", a.Count, 2-i)
					}
				}
				n, err := w.OnDisk(t.Context(), "swordfish", room)
				w.must(err)
				if n != 0 {
					t.Errorf("%d are on the disk", n)
				}
				w.finds(bob, "something", "something else")
			})
		})
	}
}

// TestWhoFindsWhat is about the messages of three times: before bob had to do
// with the room, while he was there, and afterwards.
func TestWhoFindsWhat(t *testing.T) {
	t.Parallel()
	const before, during, after = "tea before", "tea during", "tea after"
	come := func(w *world, room id.RoomID) { w.join(bob, room) }
	invited := func(w *world, room id.RoomID) { w.invite(ada, room, bob) }
	stay := func(*world, id.RoomID) {}
	goes := func(w *world, room id.RoomID) { w.leave(bob, room) }
	banned := func(w *world, room id.RoomID) { w.ban(ada, room, bob) }
	forgets := func(w *world, room id.RoomID) {
		w.leave(bob, room)
		w.must(w.rooms.Forget(w.Context(), as(bob), room))
	}
	for _, c := range []struct {
		what, visibility string
		arrives, departs func(*world, id.RoomID)
		finds            []string
	}{
		{"member", "shared", come, stay, []string{before, during, after}},
		{"member who came late", "joined", come, stay, []string{during, after}},
		{"member who came late", "invited", come, stay, []string{during, after}},
		{"former member", "shared", come, goes, []string{before, during}},
		{"former member", "joined", come, goes, []string{during}},
		{"banned", "shared", come, banned, []string{before, during}},
		{"banned", "joined", come, banned, []string{during}},
		{"who forgot", "shared", come, forgets, nil},
		{"invited", "shared", invited, stay, nil},
		{"invited", "invited", invited, stay, nil},
		{"who declined", "shared", invited, goes, nil},
		{"stranger", "shared", stay, stay, nil},
		{"stranger", "world_readable", stay, stay, nil},
		{"invited", "world_readable", invited, stay, []string{before, during, after}},
		{"former member", "world_readable", come, goes, []string{before, during, after}},
	} {
		t.Run(c.what+" of "+c.visibility, func(t *testing.T) {
			t.Parallel()
			each(t, search.Options{Unsaved: 3}, func(w *world) {
				room := w.create(ada)
				w.set(ada, room, "m.room.history_visibility", fmt.Sprintf(`{"history_visibility":%q}`, c.visibility))
				w.say(ada, room, before)
				c.arrives(w, room)
				w.say(ada, room, during)
				c.departs(w, room)
				w.say(ada, room, after)
				w.finds(bob, "tea", c.finds...)
				w.finds(ada, "tea", before, during, after)
				w.finds(eve, "tea")
			})
		})
	}
}

func TestEditsShowToThoseWhoSawThem(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada, bob)
		said := w.say(ada, room, "harmless")
		w.finds(bob, "harmless", "harmless")
		w.leave(bob, room)
		w.edit(ada, room, said, "confidential")
		w.finds(bob, "confidential")
		w.finds(ada, "confidential", "harmless")
	})
}

func TestEncryptedRoomsAreNotSearched(t *testing.T) {
	t.Parallel()
	for _, unsaved := range []int{1, 1000} {
		t.Run(fmt.Sprint(unsaved), func(t *testing.T) {
			t.Parallel()
			each(t, search.Options{Unsaved: unsaved}, func(w *world) {
				room, other := w.create(ada), w.create(ada)
				w.set(ada, room, "m.room.name", `{"name":"Plan"}`)
				said := w.say(ada, room, "the plan")
				w.say(ada, other, "another plan")
				w.finds(ada, "plan", "Plan", "the plan", "another plan")
				w.set(ada, room, "m.room.encryption", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
				w.say(ada, room, "a plan in the open")
				w.edit(ada, room, said, "the other plan")
				w.set(ada, room, "m.room.topic", `{"topic":"Plan"}`)
				w.finds(ada, "plan", "another plan")
				if n, err := w.OnDisk(t.Context(), "plan", room); n != 0 || err != nil {
					t.Errorf("%d are on the disk: %v", n, err)
				}
				w.restart()
				w.finds(ada, "plan", "another plan")
			})
		})
	}
}

func TestRepliesAreFoundByTheirOwnWords(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		to := w.say(ada, room, "question")
		reply := `{"msgtype":"m.text","body":"> <@ada:one.example> question\n> more\n\nanswer","m.relates_to":{"m.in_reply_to":{"event_id":"` + string(to) + `"}}}`
		w.send(ada, room, "m.room.message", reply)
		w.send(ada, room, "m.room.message", `{"msgtype":"m.text","body":"> quoted question"}`)
		w.finds(ada, "question", "question", "> quoted question")
		w.finds(ada, "answer", "> <@ada:one.example> question\n> more\n\nanswer")
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		kitchen, hall := w.create(ada, bob), w.create(ada, bob)
		w.say(ada, kitchen, "cake by ada")
		w.say(bob, kitchen, "cake by bob")
		w.say(ada, hall, "cake in the hall")
		w.send(ada, hall, "m.room.message", `{"msgtype":"m.image","body":"cake.jpg","url":"mxc://one.example/x"}`)
		w.set(ada, hall, "m.room.name", `{"name":"Cake hall"}`)
		said := w.say(bob, hall, "cake with replies")
		w.send(ada, hall, "m.room.message", `{"body":"yes","m.relates_to":{"rel_type":"m.thread","event_id":"`+string(said)+`"}}`)
		for f, want := range map[string]string{
			`{}`:                                     "cake with replies | Cake hall | cake.jpg | cake in the hall | cake by bob | cake by ada",
			`{"rooms":["` + string(kitchen) + `"]}`:  "cake by bob | cake by ada",
			`{"not_rooms":["` + string(hall) + `"]}`: "cake by bob | cake by ada",
			`{"rooms":[]}`:                           "",
			`{"senders":["@bob:one.example"]}`:       "cake with replies | cake by bob",
			`{"not_senders":["@ada:one.example"]}`:   "cake with replies | cake by bob",
			`{"types":["m.room.name"]}`:              "Cake hall",
			`{"not_types":["m.room.message"]}`:       "Cake hall",
			`{"contains_url":true}`:                  "cake.jpg",
			`{"limit":2}`:                            "cake with replies | Cake hall",
			`{"limit":0}`:                            "",
			`{"related_by_rel_types":["m.thread"]}`:  "cake with replies",
		} {
			if got := texts(w.ask(ada, with(t, newest("cake"), f))); got != want {
				t.Errorf("%s: %s, want %s", f, got, want)
			}
		}
		q := newest("cake")
		q.Ignored = func(user id.UserID) bool { return user == ada }
		if a := w.ask(bob, q); texts(a) != "cake with replies | cake by bob" || a.Count != 2 {
			t.Errorf("bob ignores ada and finds %d: %s", a.Count, texts(a))
		}
	})
}

func TestOrder(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		w.say(ada, room, "boat")
		w.say(ada, room, "if we had a boat or anything like it we could go across the lake to the other side and look")
		w.say(ada, room, "boathouse")
		w.say(ada, room, "boat")
		q := newest("boat")
		if got := texts(w.ask(ada, q)); !strings.HasPrefix(got, "boat | boathouse | if we") {
			t.Errorf("the newest first: %s", got)
		}
		q.Recent = false
		a := w.ask(ada, q)
		if got := texts(a); !strings.HasPrefix(got, "boat | boat | if we") || !strings.HasSuffix(got, "| boathouse") {
			t.Errorf("the best first: %s", got)
		}
		for i, r := range a.Results {
			if r.Rank <= 0 || r.Rank > 1 || i > 0 && r.Rank > a.Results[i-1].Rank {
				t.Errorf("result %d has rank %f", i, r.Rank)
			}
		}
		if a.Results[0].Event.Pos < a.Results[1].Event.Pos {
			t.Error("of equals, the older one comes first")
		}
	})
}

// TestPages reads page by page while more is said and some of it is taken back.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, recent := range []bool{true, false} {
		t.Run(fmt.Sprint("recent ", recent), func(t *testing.T) {
			t.Parallel()
			each(t, search.Options{Unsaved: 7}, func(w *world) {
				room := w.create(ada)
				const all = 23
				for i := range all {
					w.say(ada, room, fmt.Sprintf("apple %d %s", i, strings.Repeat("pear ", i%5)))
				}
				q := with(t, newest("apple"), `{"limit":5}`)
				q.Recent = recent
				seen := map[id.EventID]bool{}
				for page := 0; ; page++ {
					a := w.ask(ada, q)
					for _, r := range a.Results {
						if seen[r.Event.ID] {
							t.Errorf("%s comes twice", r.Event.Content().Get("body").Str)
						}
						seen[r.Event.ID] = true
					}
					if page == 0 && a.Count != all {
						t.Errorf("%d are found, want %d", a.Count, all)
					}
					if a.Next == nil {
						break
					}
					next, err := search.ParseToken(a.Next.String())
					w.must(err)
					q.From = &next
					if page < 3 && recent {
						w.say(ada, room, "apple, a new one")
					}
				}
				if len(seen) != all {
					t.Errorf("%d came, want %d", len(seen), all)
				}
			})
		})
	}
}

func TestAFullPageIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		for range 4 {
			w.say(ada, room, "apple")
		}
		q := with(t, newest("apple"), `{"limit":2}`)
		for _, want := range []int{2, 2, 0} {
			a := w.ask(ada, q)
			if len(a.Results) != want || a.Count != 4 || (a.Next != nil) != (want > 0) {
				t.Errorf("%d of %d, and next is %v", len(a.Results), a.Count, a.Next)
			}
			q.From = a.Next
		}
	})
}

func TestPhrasesAreWholeInTheResults(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		for i := range 30 {
			w.say(ada, room, fmt.Sprintf("house boat %d", i))
			w.say(ada, room, "boat house")
		}
		a := w.ask(ada, with(t, newest(`"house boat"`), `{"limit":20}`))
		if len(a.Results) != 20 || a.Next == nil {
			t.Fatalf("%d results", len(a.Results))
		}
		for i, r := range a.Results {
			if got, want := r.Event.Content().Get("body").Str, fmt.Sprintf("house boat %d", 29-i); got != want {
				t.Errorf("result %d is %q, want %q", i, got, want)
			}
		}
		if got := strings.Join(a.Words, " "); got != "house boat" {
			t.Errorf("words %s", got)
		}
	})
}

func TestAround(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada, bob)
		for i := range 7 {
			w.say([]id.UserID{ada, bob}[i%2], room, fmt.Sprintf("Message number %d", i+1))
		}
		q := newest("Message 4")
		q.Around = &search.AroundQuery{Before: 2, After: 1, Profiles: true}
		q.State = true
		a := w.ask(ada, q)
		if len(a.Results) != 1 {
			t.Fatalf("found %s", texts(a))
		}
		c := a.Results[0].Around
		var said []string
		for _, list := range [][]*rooms.Event{c.Before, c.After} {
			for _, e := range list {
				said = append(said, e.Content().Get("body").Str)
			}
		}
		if got := strings.Join(said, " | "); got != "Message number 3 | Message number 2 | Message number 5" {
			t.Errorf("around: %s", got)
		}
		if len(c.Profiles) != 2 || c.Profiles[bob].Name != "Lady bob" {
			t.Errorf("profiles %v", c.Profiles)
		}
		if len(a.State[room].Events) == 0 {
			t.Error("there is no state")
		}
		chunk, err := w.rooms.Messages(t.Context(), as(ada), room, rooms.Page{From: &c.Start, Backwards: true, Limit: 1})
		w.must(err)
		if got := chunk.Events[0].Content().Get("body").Str; got != "Message number 1" {
			t.Errorf("before the start comes %q", got)
		}
	})
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := open(t, db, search.Options{Unsaved: 10})
		room := w.create(ada)
		const all = 95
		for i := range all {
			w.say(ada, room, fmt.Sprintf("grape %d", i))
			if i%30 == 10 { // a crash now and then: some of it is on the disk
				stop := w.running(w.RunUntilCrash)
				w.finds(ada, fmt.Sprintf("grape %d", i), fmt.Sprintf("grape %d", i))
				stop()
				w.reopen()
			}
		}
		w.run()
		for range 2 {
			if a := w.ask(ada, newest("grape")); a.Count != all {
				t.Errorf("%d of %d are found", a.Count, all)
			}
			w.restart()
		}
		if n, err := w.OnDisk(t.Context(), "grape", room); n != all || err != nil {
			t.Errorf("%d of %d are on the disk: %v", n, all, err)
		}
	})
}

func TestADamagedIndexIsBuiltAnew(t *testing.T) {
	t.Parallel()
	for what, find := range map[string]func(w *world, room id.RoomID){
		"by writing":   func(w *world, room id.RoomID) { w.say(ada, room, "lime") },
		"by searching": func(w *world, room id.RoomID) { w.finds(ada, "lemon", "lemon"); w.say(ada, room, "lime") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			storagetest.Each(t, func(t *testing.T, db *storage.DB) {
				w := open(t, db, search.Options{Unsaved: 1})
				w.run()
				room := w.create(ada)
				said := w.say(ada, room, "lemon")
				w.finds(ada, "lemon", "lemon")
				w.must(w.Damage(t.Context(), room))
				w.redact(ada, room, said)
				w.say(ada, room, "lemon")
				find(w, room)
				<-w.errors
				rm, err := w.rooms.Room(t.Context(), room)
				w.must(err)
				w.must(w.Settle(t.Context(), rm.LastPos()))
				w.finds(ada, "lime", "lime")
				w.finds(ada, "lemon", "lemon")
			})
		})
	}
}

func TestWhereNothingIsSearched(t *testing.T) {
	t.Parallel()
	each(t, search.Options{Unsaved: 1}, func(w *world) {
		room := w.create(ada)
		w.say(ada, room, "secret")
		w.finds(ada, "secret", "secret")
		w.opt.Off = true
		w.stop()
		w.reopen()
		w.must(w.Run(t.Context()))
		_, err := w.Search.Search(t.Context(), as(ada), newest("secret"))
		if !matrix.IsCode(err, matrix.Forbidden) {
			t.Errorf("searching: %v", err)
		}
		if n, err := w.OnDisk(t.Context(), "secret", room); n != 0 || err != nil {
			t.Errorf("%d are on the disk: %v", n, err)
		}
		w.opt.Off = false
		w.restart()
		w.finds(ada, "secret", "secret")
	})
}

func TestNoWordsNoResults(t *testing.T) {
	t.Parallel()
	each(t, search.Options{}, func(w *world) {
		room := w.create(ada)
		w.say(ada, room, "hello")
		w.finds(ada, "")
		w.finds(ada, "…")
		w.finds(ada, "hello there")
	})
}

func FuzzToken(f *testing.F) {
	f.Add("")
	f.Add(search.Token{Score: 3, Pos: -5, Room: "!a", Sender: ada}.String())
	f.Add("e30")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := search.ParseToken(text)
		if err != nil {
			if !matrix.IsCode(err, matrix.InvalidParam) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if again, err := search.ParseToken(token.String()); err != nil || again != token {
			t.Errorf("%q: %+v, then %+v: %v", text, token, again, err)
		}
	})
}
