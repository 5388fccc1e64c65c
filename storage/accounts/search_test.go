package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		for user, name := range map[string]string{"ada": "Countess", "adalbert": "", "bob": "Ada's brother", "zoe": "ÄDA Lovelace", "nevada": "100%"} {
			uid := id.NewUserID(user, here)
			w.open(uid, user)
			raw, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			w.write(func(ctx context.Context, tx *storage.Tx) error {
				return w.SetProfileField(ctx, tx, uid, DisplayName, raw)
			})
		}
		for term, want := range map[string]string{
			"ada": "[ada adalbert bob nevada]", "ADA": "[ada adalbert bob nevada]", " äda ": "[zoe]", "countess": "[ada]",
			"@adal": "[adalbert]", "@bob:one.example": "[bob]", "%": "[nevada]", "_": "[]", "": "[]", "nobody": "[]",
		} {
			found, err := w.Search(t.Context(), term, 10)
			names := []string{}
			for _, user := range found {
				names = append(names, user.Localpart())
			}
			if got := fmt.Sprint(names); err != nil || got != want {
				t.Errorf("%q finds %s, %v; want %s", term, got, err, want)
			}
		}
		if found, _ := w.Search(t.Context(), "ada", 2); fmt.Sprint(found) != "[@ada:one.example @adalbert:one.example]" {
			t.Errorf("the best two: %v", found)
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.Close(ctx, tx, "@adalbert:one.example") })
		if found, _ := w.Search(t.Context(), "adal", 2); len(found) != 0 {
			t.Errorf("a closed account is found: %v", found)
		}
	})
}
