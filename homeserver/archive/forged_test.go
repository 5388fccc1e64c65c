package archive

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"plenum/storage"
	"plenum/storage/dump"
)

// frame is a frame by itself.
type frame struct {
	kind    byte
	content []byte
}

// framesOf takes a decrypted backup apart.
func framesOf(t testing.TB, plain []byte) (all []frame) {
	t.Helper()
	f, err := newFrameReader(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	for len(all) == 0 || all[len(all)-1].kind != frameEnd {
		if err := f.next(); err != nil {
			t.Fatal(err)
		}
		all = append(all, frame{f.kind, slices.Clone(f.content)})
	}
	return all
}

// together puts frames together again. The hash in the last one is made right
// if it is asked for.
func together(t testing.TB, all []frame, hash bool) []byte {
	t.Helper()
	var out bytes.Buffer
	f, err := newFrameWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, fr := range all {
		if fr.kind == frameEnd && hash {
			fr.content = withHash(t, fr.content, f.hash.Sum(nil))
		}
		if err := f.frame(fr.kind, fr.content); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// index returns where the nth frame of a kind is.
func index(all []frame, kind byte, n int) int {
	for i, f := range all {
		if f.kind == kind {
			if n--; n < 0 {
				return i
			}
		}
	}
	return -1
}

// Whoever has the public key can encrypt anything. What does not hold together
// is refused all the same: it may be the work of a faulty writer.
func TestWhatDoesNotHoldTogetherIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(20)
	all := framesOf(t, w.plain(w.backup()))
	if _, err := w.verify(w.encrypt(together(t, all, true))); err != nil {
		t.Fatalf("put together again: %v", err)
	}
	without := func(kind byte, n int) []frame {
		i := index(all, kind, n)
		return slices.Delete(slices.Clone(all), i, i+1)
	}
	with := func(i int, f ...frame) []frame { return slices.Insert(slices.Clone(all), i, f...) }
	changed := func(kind byte, change func([]byte) []byte) []frame {
		c := slices.Clone(all)
		i := index(all, kind, 0)
		c[i].content = change(slices.Clone(c[i].content))
		return c
	}
	header := func(change func(*Header)) []frame {
		return changed(frameHeader, func(raw []byte) []byte {
			var h Header
			if err := json.Unmarshal(raw, &h); err != nil {
				t.Fatal(err)
			}
			change(&h)
			raw, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		})
	}
	first := index(all, frameRows, 0)
	end := len(all) - 1
	swapped := slices.Clone(all)
	swapped[first], swapped[first+1] = swapped[first+1], swapped[first]
	for name, forged := range map[string][]frame{
		"no end":               all[:end],
		"nothing":              nil,
		"two ends":             append(slices.Clone(all), all[end]),
		"no header":            all[1:],
		"two headers":          with(1, all[0]),
		"no rows of a table":   without(frameRows, 0),
		"rows twice":           with(first, all[first]),
		"rows in other order":  swapped,
		"no blob":              slices.Delete(slices.Clone(all), index(all, frameBlob, 0), index(all, frameBlob, 1)),
		"a part missing":       without(frameData, 0),
		"a part twice":         with(index(all, frameData, 0), all[index(all, frameData, 0)]),
		"an empty part":        with(index(all, frameData, 0), frame{frameData, nil}),
		"no key":               without(frameFile, 0),
		"no media key":         without(frameFile, 1),
		"a file twice":         with(2, all[1]),
		"rows in a blob":       with(index(all, frameData, 0), all[first]),
		"rows after blobs":     with(end, all[first]),
		"an unknown frame":     with(first, frame{'?', nil}),
		"an end to no blob":    with(end, frame{frameUnread, nil}),
		"a blob gone besides":  with(end, frame{frameGone, append([]byte{goneDeleted}, bytes.Repeat([]byte("a"), 64)...)}),
		"rows of no table":     changed(frameRows, func(b []byte) []byte { return append([]byte{0xff, 0x7f}, b[1:]...) }),
		"rows cut off":         changed(frameRows, func(b []byte) []byte { return b[:len(b)-1] }),
		"rows with a tail":     changed(frameRows, func(b []byte) []byte { b[1]--; return b }),
		"no JSON":              changed(frameHeader, func(b []byte) []byte { return b[1:] }),
		"a key that is none":   changed(frameFile, func(b []byte) []byte { return b[:len(b)-5] }),
		"a name too long":      changed(frameFile, func(b []byte) []byte { b[0] = 255; return b }),
		"a blob of no name":    changed(frameBlob, func(b []byte) []byte { return b[:len(b)-1] }),
		"a blob of wrong size": changed(frameBlob, func(b []byte) []byte { return append([]byte{5}, b[len(b)-81:]...) }),
		"a clock too far":      header(func(h *Header) { h.Schema.Clock = math.MaxInt64 }),
		"a clock too low":      header(func(h *Header) { h.Schema.Clock = -1 }),
		"a table less":         header(func(h *Header) { h.Schema.Tables = h.Schema.Tables[:3] }),
		"no tables":            header(func(h *Header) { h.Schema.Tables = nil }),
	} {
		if _, err := w.verify(w.encrypt(together(t, forged, true))); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, plain := range map[string][]byte{
		"the wrong hash":    together(t, with(first, frame{frameFile, []byte("\x01xy")}), false),
		"something follows": append(together(t, all, true), 0),
		"another magic":     append([]byte("plenum backup 2\n"), together(t, all, true)[len(magic):]...),
		"a huge frame":      append([]byte(magic+"h"), binary.AppendUvarint(nil, math.MaxUint64)...),
		"a large frame":     append([]byte(magic+"h"), binary.AppendUvarint(nil, maxFrame)...),
		"an endless length": append([]byte(magic+"h"), bytes.Repeat([]byte{0xff}, 20)...),
		"empty":             nil,
	} {
		if _, err := w.verify(w.encrypt(plain)); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewerBackupIsRefusedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(5)
	all := framesOf(t, w.plain(w.backup()))
	var h Header
	if err := json.Unmarshal(all[0].content, &h); err != nil {
		t.Fatal(err)
	}
	h.Schema.Migrations = append(h.Schema.Migrations, storage.Migration{Number: 9999, Name: "from_the_future"})
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	all[0].content = raw
	if _, err := w.verify(w.encrypt(together(t, all, true))); !errors.Is(err, storage.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

// A forger may know names of tables that are not those of the migrations.
func TestOtherTablesAreRefusedAndUndone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(5)
		all := framesOf(t, w.plain(w.backup()))
		header := all[0].content
		target := newTarget(t, e)
		for from, to := range map[string]string{
			`"name":"account"`:                    `"name":"account\"; DROP TABLE \"clock"`,
			`"name":"account_erased"`:             `"name":"account_erased2"`,
			`"name":"account_erased","columns":[`: `"name":"account_erased","columns":[{"name":"more","kind":"text"},`,
		} {
			all[0].content = bytes.Replace(header, []byte(from), []byte(to), 1)
			if err := w.restore(target, w.encrypt(together(t, all, true))); !errors.Is(err, dump.ErrSchema) {
				t.Errorf("%s: %v", to, err)
			}
			wantNothing(t, target)
		}
	})
}

// withHash returns the content of the last frame with another hash.
func withHash(t testing.TB, content, hash []byte) []byte {
	t.Helper()
	var fields map[string]any
	if json.Unmarshal(content, &fields) != nil {
		return content
	}
	fields["sha256"] = hex.EncodeToString(hash)
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(magic))
	f.Add([]byte(magic + "h\x02{}"))
	header := `{"server_name":"one.example","schema":{"clock":1,"migrations":[],"tables":[{"name":"media_blob","columns":[{"name":"file","kind":"text"}]}]}}`
	for _, tail := range [][]frame{
		nil,
		{{frameFile, []byte("\x01ax")}, {frameEnd, []byte(`{}`)}},
		{{frameRows, []byte("\x00\x02\x00")}},
		{{frameGone, append([]byte{goneLost}, []byte("aa")...)}},
		{{frameBlob, []byte("\x05aa")}, {frameData, []byte("12345")}, {frameUnread, nil}},
	} {
		var out bytes.Buffer
		w, err := newFrameWriter(&out)
		if err != nil {
			f.Fatal(err)
		}
		for _, fr := range append([]frame{{frameHeader, []byte(header)}}, tail...) {
			if err := w.frame(fr.kind, fr.content); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		c := &checker{}
		defer func() { _ = c.stop() }()
		w := &walker{v: c}
		if err := w.read(bytes.NewReader(plain)); err == nil {
			t.Error("nobody can have made up a whole backup")
		}
	})
}
