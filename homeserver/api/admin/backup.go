package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"plenum/homeserver/archive"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// A backup is streamed, and what there is to say about it comes behind it, in
// trailers: what is in it, or why it broke off.
const (
	backupDone   = "Plenum-Backup"
	backupFailed = "Plenum-Backup-Error"
)

// lastWords is how long a client has to hear that a backup broke off.
const lastWords = 2 * time.Second

// backup is POST of the public keys; the answer is the backup.
func (a *API) backup(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	var want NewBackup
	if err := json.NewDecoder(r.HTTP.Body).Decode(&want); err != nil {
		return matrix.Errorf(matrix.NotJSON, "The public keys cannot be read.")
	}
	recipients, err := archive.ParseRecipients(want.Recipients)
	if err != nil {
		return matrix.Errorf(matrix.InvalidParam, "%v", err)
	}
	if len(recipients) == 0 {
		return matrix.Errorf(matrix.MissingParam, "A backup needs a public key to be encrypted to.")
	}
	stream, err := a.backups.Start(r.HTTP.Context(), recipients)
	if errors.Is(err, archive.ErrBusy) {
		return matrix.Errorf(matrix.LimitExceeded, "Another backup is being made.")
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	still := context.AfterFunc(stream.Broken(), func() {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(lastWords)) // not for a client that does not read
	})
	defer still()
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := io.Copy(w, stream); err != nil {
		w.Header().Set(http.TrailerPrefix+backupFailed, fmt.Sprintf("%q", err.Error()))
		return nil // logged already; without its end nobody can take it for whole
	}
	summary, err := stream.Summary()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(asBackup(summary))
	if err != nil {
		return err
	}
	w.Header().Set(http.TrailerPrefix+backupDone, string(raw))
	return nil
}

func asBackup(s archive.Summary) Backup {
	return Backup{
		ServerName: s.Server, MadeMS: s.MadeMS, Engine: s.Schema.Engine,
		Accounts: s.Rows["account"], Events: s.Rows["event"],
		Files: s.Media.Blobs, Bytes: s.Media.Bytes, Deleted: s.Media.Deleted, Lost: s.Media.Lost,
	}
}

// Backup writes a backup of the whole server to w, encrypted to public keys of
// age. When it fails, what was written is useless.
func (c *Client) Backup(ctx context.Context, recipients []string, w io.Writer) (made Backup, err error) {
	body, err := json.Marshal(NewBackup{Recipients: recipients})
	if err != nil {
		return made, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://plenum"+backupPath, bytes.NewReader(body))
	if err != nil {
		return made, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return made, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return made, failure(answer)
	}
	if _, err := io.Copy(w, answer.Body); err != nil {
		return made, err
	}
	if text := answer.Trailer.Get(backupFailed); text != "" {
		return made, fmt.Errorf("the server broke it off: %s", text)
	}
	if err := json.Unmarshal([]byte(answer.Trailer.Get(backupDone)), &made); err != nil {
		return made, errors.New("the server broke it off")
	}
	return made, nil
}
