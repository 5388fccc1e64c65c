package homeserver_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/httpx"
)

type roomID = id.RoomID

var parameter = regexp.MustCompile(`\{(\w+)(?:\?|\.\.\.)?\}`)

// rubbish is what no parameter of a path should be. What begins with a percent
// sign goes out as it is.
var rubbish = []string{
	"", " ", ".", "..", "../../etc/passwd", "null", "{}", "0", "-1", "1.5", "99999999999999999999", "'; DROP TABLE event; --",
	"%", "%00", "%zz", "%FF", "%ED%A0%80", "%E2%82", "%2F", "%2e%2e%2f", "%0d%0aX-Header:%20x",
	"@", "@:", "@a", "@a:", "@:b", "@nobody:one.example", "@ada:two.example", "@ADA:one.example", "@" + long(300) + ":one.example",
	"!", "!:", "!a:b:c", "!nothing:one.example", "!" + long(43), "!" + long(300), "#", "#:", "#nothing:one.example", "#a:two.example", "#" + long(300) + ":one.example",
	"$", "$nothing", "$" + long(43), "$" + long(300), "m.room.member", "m.room.create", "m." + long(300), "🦀", "e\u0301", "\u202e", long(70_000),
}

// queryRubbish is what no parameter of a query should be, encoded.
var queryRubbish = []string{
	"", "x", "-1", "1.5", "1e9", "99999999999999999999", "-9223372036854775808", "9223372036854775807", "true", "null",
	"s-1_0", "s9223372036854775807_1", "s1_-1", "t-5", "t1", "t99999999999999999999", "0", "b", "all", "@ada:one.example", "%5B%5D", "%7B",
	"%7B%22limit%22%3A-1%7D", "%7B%22limit%22%3A1e99%7D", "%7B%22types%22%3A%5B1%5D%7D", "%7B%22room%22%3A%7B%22timeline%22%3A%5B%5D%7D%7D",
	strings.Repeat("%5B", 5000), strings.Repeat("%7B%22a%22%3A", 5000), long(70_000),
}

// brokenQueries are no queries.
var brokenQueries = []string{
	"%", "%zz=1", "a=%00", "a=%FF", "%00=1", "%FF=1", "a;b=1", "=", "&&&&", "=&=&=", strings.Repeat("limit=1&", 2000), "limit=1&limit=x", "user_id=%40ada%3Aone.example",
}

// badTokens are no access tokens.
var badTokens = []string{"x", "null", " ", "a b", "\x00", "\xff", "syt_YWRh_x", "mct_x_000000", long(100_000)}

// brokenBodies are no JSON objects.
var brokenBodies = slices.Concat(bytesOf(
	"", " ", "x", "null", "true", "1", `"x"`, "[]", "[{}]", "{", "}", "{}x", "{}{}", "{,}", `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":1,}`,
	`{"a":01}`, `{"a":NaN}`, `{"a":1e999}`, `{"a":"\x"}`, `{"a":"\ud800"}`, `{"a":"\u0000"}`, `{"\u0000":1}`, "{\"a\":\"\x00\"}", "{\"a\":\"\n\"}",
	"{\"a\":\"\xff\"}", "{\"\xc3\":1}", "{\"a\":\"\xed\xa0\x80\"}", "\xef\xbb\xbf{}", "{}\x00", "/* */{}", `{"a":1,"a":2}`, `{"":{"":{"":""}}}`,
	"--boundary\r\nContent-Disposition: form-data\r\n\r\n", "<html></html>",
	strings.Repeat(`{"a":`, 100_000), strings.Repeat("[", 100_000), `{"a":`+strings.Repeat("[", 98)+strings.Repeat("]", 98)+"}",
	`{"a":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"}", `{"a":"`+strings.Repeat("x", 2<<20)+`"}`, `{"a":[`+strings.Repeat("0,", 1<<18)+"0]}",
	`{"a":1`+strings.Repeat(" ", 2<<20)+"}", `{`+strings.Repeat(`"a":{},`, 1<<15)+`"a":{}}`,
))

// wrong is what stands in the place of each value in turn. Most is of a type
// that is not wanted there.
var wrong = []any{
	nil, true, 0, -1, 1.5, json.Number("1e999"), json.Number("9007199254740993"), json.Number("-9223372036854775809"), json.Number("99999999999999999999"),
	"", "x", "\x00", json.RawMessage(`"\ud800"`), long(70_000), "@ada:one.example", "@ada:two.example", "!nothing:one.example", "$nothing",
	[]any{}, []any{nil}, []any{[]any{}}, []any{"x", "x"}, []any{map[string]any{}}, map[string]any{}, map[string]any{"": nil}, map[string]any{"x": []any{1}}, deep(60),
}

// rubbishNames are added to every object.
var rubbishNames = []string{"", "\x00", "a.b", "*", "$nothing", long(70_000)}

func long(n int) string { return strings.Repeat("x", n) }

func deep(n int) any {
	v := any("x")
	for range n {
		v = map[string]any{"x": v}
	}
	return v
}

func bytesOf(all ...string) [][]byte {
	out := make([][]byte, len(all))
	for i, s := range all {
		out[i] = []byte(s)
	}
	return out
}

// mutations are all that v can be turned into by putting something else into
// one place.
func mutations(v any) []any {
	out := slices.Clone(wrong)
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			less := maps.Clone(v)
			delete(less, name)
			out = append(out, less)
			for _, m := range mutations(inner) {
				more := maps.Clone(v)
				more[name] = m
				out = append(out, more)
			}
		}
		for _, name := range rubbishNames {
			more := maps.Clone(v)
			more[name] = "x"
			out = append(out, more)
		}
	case []any:
		out = append(out, append(slices.Clone(v), v...))
		for i, inner := range v {
			for _, m := range mutations(inner) {
				more := slices.Clone(v)
				more[i] = m
				out = append(out, more)
			}
		}
	}
	return out
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// queryNames finds the query parameters that handlers ask for.
func queryNames(t *testing.T) []string {
	t.Helper()
	asked := regexp.MustCompile(`\.(?:Has)?Query(?:Int|Bool|All)?\("([^"]+)"`)
	var names []string
	err := filepath.WalkDir("api", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range asked.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("query parameters not found: %v", err)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sample is a request as it should be.
type sample struct {
	route  string
	path   string
	body   any
	listed bool // in the table
}

// samplesFor are good requests for a route: those of the table, or else one
// made from the Go type of the body.
func samplesFor(r httpx.Route, who *attacker) []sample {
	if r.Method == http.MethodGet {
		return nil
	}
	var out []sample
	for _, s := range samples {
		if s.route != r.Method+" "+r.Pattern {
			continue
		}
		values := who.names()
		maps.Copy(values, s.path)
		path := fill(r.Pattern, values)
		if s.query != "" {
			path += "?" + expand(who, s.query)
		}
		out = append(out, sample{s.route, path, parse(expand(who, s.body)), true})
	}
	if out == nil {
		out = append(out, sample{path: fill(r.Pattern, who.names()), body: exampleOf(r.BodyType())})
	}
	return out
}

// expand puts what is the attacker's in the place of words with a dollar sign.
func expand(who *attacker, text string) string {
	password := hstest.Password
	if who.client == nil {
		password = "nobody has one"
	}
	text = strings.ReplaceAll(text, `"$auth"`, `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"$user"},"password":"`+password+`"}`)
	return strings.NewReplacer(
		"$ada", string(who.w.ada.User), "$user", who.own["userId"], "$room", who.own["roomId"], "$said", who.own["eventId"],
		"$device", who.own["deviceId"], "$alias", who.own["roomAlias"], "$version", who.own["version"],
	).Replace(text)
}

func parse(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(text + ": " + err.Error())
	}
	return v
}

// exampleOf makes what a Go type is read from.
func exampleOf(t reflect.Type) any {
	if t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface {
		return map[string]any{"x": "y"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return exampleOf(t.Elem())
	case reflect.Slice:
		return []any{exampleOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"x": exampleOf(t.Elem())}
	case reflect.Struct:
		out := map[string]any{}
		addFields(out, t)
		return out
	case reflect.Bool:
		return true
	case reflect.String:
		return "x"
	}
	return 1
}

func addFields(out map[string]any, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			addFields(out, f.Type)
		case name != "" && name != "-":
			out[name] = exampleOf(f.Type)
		}
	}
}
