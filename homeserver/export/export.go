package export

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"math"
	"time"

	"golang.org/x/sync/semaphore"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/homeserver/account"
	"plenum/homeserver/media"
	"plenum/homeserver/push"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// atOnce is how many archives are written at the same time.
const atOnce = 2

// everything is later than all that is.
const everything = matrix.Position(math.MaxInt64)

// Sources are where an account has something.
type Sources struct {
	Accounts *account.Accounts
	Rooms    *rooms.Rooms
	Data     *userdata.Data
	Push     *push.Push
	Keys     *e2ee.Keys
	Media    *media.Media
}

// Exporter writes archives. It is safe for concurrent use.
type Exporter struct {
	Sources
	turns *semaphore.Weighted
	now   func() time.Time
}

// New returns an Exporter.
func New(s Sources) *Exporter {
	return &Exporter{Sources: s, turns: semaphore.NewWeighted(atOnce), now: time.Now}
}

// Archive is one that is about to be written.
type Archive struct {
	e    *Exporter
	user id.UserID
	made time.Time
}

// Open prepares the archive of an account. The caller has made sure that it is
// theirs, and closes it. The errors are M_NOT_FOUND when there is no such
// account, and M_LIMIT_EXCEEDED when too many are being written.
func (e *Exporter) Open(ctx context.Context, user id.UserID) (*Archive, error) {
	if err := e.Accounts.CheckOpen(ctx, user); err != nil {
		return nil, err
	}
	if !e.turns.TryAcquire(1) {
		busy := matrix.Errorf(matrix.LimitExceeded, "Others are fetching their data. Try again in a few minutes.")
		busy.RetryAfter = time.Minute
		return nil, busy
	}
	return &Archive{e: e, user: user, made: e.now().UTC()}, nil
}

// Close lets the next one be written.
func (a *Archive) Close() { a.e.turns.Release(1) }

// Name is what the file may be called.
func (a *Archive) Name() string {
	return "plenum-" + safe(a.user.Localpart()) + "-" + a.made.Format(time.DateOnly) + ".zip"
}

// Stream writes the archive. When it fails, what was written is useless.
func (a *Archive) Stream(ctx context.Context, w io.Writer) (err error) {
	defer matrix.Wrap(&err, "export of an account")
	p := &packer{Archive: a, zip: zip.NewWriter(w), page: page{User: a.user, Made: a.made}}
	for _, part := range []func(context.Context) error{p.account, p.accountData, p.pushers, p.keys, p.rooms, p.files, p.index} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

// packer writes one archive.
type packer struct {
	*Archive
	zip  *zip.Writer
	page page
}

// create begins the next file of the archive.
func (p *packer) create(name string, changed time.Time, method uint16) (io.Writer, error) {
	return p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: changed})
}

// json writes a file of JSON, and lists it on the page.
func (p *packer) json(name, about string, value any) error {
	w, err := p.create(name, p.made, zip.Deflate)
	if err != nil {
		return err
	}
	p.page.Parts = append(p.page.Parts, link{name, about})
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// when is a time that people can read.
func when(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// safe makes a name that is good on every disk, and leads nowhere.
func safe(name string) string {
	out := make([]rune, 0, len(name))
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && (r != '.' || len(out) == 0) {
			r = '_'
		}
		if out = append(out, r); len(out) == 80 {
			break
		}
	}
	return string(out)
}
