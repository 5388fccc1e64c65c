package homeserver_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const exportPath = "/_plenum/client/v1/export"

// unpack returns the files of an archive by their names.
func unpack(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, ".json") && !gjson.ValidBytes(content) {
			t.Errorf("%s is no JSON: %s", f.Name, content)
		}
		all[f.Name] = string(content)
	}
	return all
}

func TestAnAccountAsAnArchive(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public, hstest.More{"name": "Kitchen <1>"})
		bob.Join(room)
		first := ada.Say(room, "the first")
		for range 250 { // more than one page
			ada.Say(room, "again & again")
		}
		bob.Say(room, "bob's secret")
		ada.Read(room, first)
		gone := ada.Say(room, "taken back")
		ada.Redact(room, gone)
		left := bob.CreateRoom(hstest.Public, hstest.More{"name": "Cellar"})
		ada.Join(left)
		ada.Post(hstest.Path(v3+"/rooms", left, "leave"), nil)
		bob.SetState(left, "m.room.name", "", hstest.More{"name": "Secret cellar"})
		media := upload(t, ada, "a file of mine")
		ada.Put(hstest.Path(v3+"/user", ada.User, "account_data", "org.example.x"), hstest.More{"colour": "green"})

		ada.Challenged().Post(exportPath, hstest.More{})
		ada.Refused(matrix.Forbidden).Post(exportPath, hstest.More{"auth": hstest.More{"type": "m.login.password", "password": "guessed", "identifier": hstest.More{"type": "m.id.user", "user": ada.User}}})
		s.Nobody().Refused(matrix.MissingToken).Post(exportPath, hstest.More{})
		body, err := json.Marshal(hstest.More{"auth": hstest.More{"type": "m.login.password", "password": hstest.Password, "identifier": hstest.More{"type": "m.id.user", "user": ada.User}}})
		if err != nil {
			t.Fatal(err)
		}
		resp := ada.Send(http.MethodPost, exportPath, bytes.NewReader(body), nil)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.Header.Get("Content-Type") != "application/zip" {
			t.Fatalf("%v, %s", err, raw)
		}
		files := unpack(t, raw)
		for name, content := range files {
			for _, secret := range []string{ada.Token, "bob's secret", "taken back", "Secret cellar", "argon2"} {
				if strings.Contains(content, secret) {
					t.Errorf("%s holds %q", name, secret)
				}
			}
		}
		kitchen := ""
		for name, content := range files {
			if strings.HasPrefix(name, "rooms/") && gjson.Get(content, "name").Str == "Kitchen <1>" {
				kitchen = content
			}
		}
		if n := gjson.Get(kitchen, `sent.#(type=="m.room.message")#|#`).Int(); n != 251 {
			t.Errorf("%d messages", n)
		}
		if gjson.Get(kitchen, `sent.#(type=="m.room.message").event_id`).Str != string(first) || gjson.Get(kitchen, "read_up_to.0.event_id").Str != string(first) {
			t.Errorf("kitchen: %.2000s", kitchen)
		}
		for name, want := range map[string]string{
			"account.json": string(ada.Device), "account_data.json": "org.example.x", "keys.json": "{", "notifications.json": "[",
			"files.json": media, "index.html": "Kitchen &lt;1&gt;",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s: %s", name, files[name])
			}
		}
		if got := files[gjson.Get(files["files.json"], "0.file").Str]; got != "a file of mine" {
			t.Errorf("the file holds %q", got)
		}

		out, err := os.Create(filepath.Join(t.TempDir(), "out.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if err := s.Admin().Export(t.Context(), "@nobody:one.example", out); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("%v", err)
		}
		if err := s.Admin().Export(t.Context(), bob.User, out); err != nil {
			t.Fatal(err)
		}
		if raw, err = os.ReadFile(out.Name()); err != nil || !strings.Contains(unpack(t, raw)["account.json"], "@bob:one.example") {
			t.Errorf("%v", err)
		}
	})
}
