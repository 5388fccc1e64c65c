package media

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media/picture"
	"plenum/internal/matrix"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

// Upload is content to be stored.
type Upload struct {
	Body        io.Reader
	Length      int64  // bytes of Body; -1 when not known
	ContentType string // as the client says; "" is unknown
	Filename    string // as the client says; "" for none
}

const (
	unknownType    = "application/octet-stream"
	maxContentType = 255  // bytes
	maxFilename    = 1024 // bytes
)

// Upload stores content for p.User and returns its address. Errors: M_TOO_LARGE,
// M_FORBIDDEN beyond the quota, M_USER_SUSPENDED, M_UNKNOWN for a broken image.
//
// Spec: client-server-api#post_matrixmediav3upload
func (m *Media) Upload(ctx context.Context, p matrix.Principal, up Upload) (uri id.ContentURI, err error) {
	defer matrix.Wrap(&err, "upload")
	if err := m.mayUpload(ctx, p, &up); err != nil {
		return id.ContentURI{}, err
	}
	content, err := m.receive(up, m.opts.KeepMetadata)
	if err != nil {
		return id.ContentURI{}, err
	}
	uri = m.newURI()
	item := m.item(uri, p.User, up, content)
	file, err := m.store.Add(ctx, item, content.blob, m.opts.Quota)
	if err := m.settle(ctx, content.file, file, err); err != nil {
		return id.ContentURI{}, err
	}
	return uri, nil
}

// Create reserves an address that p.User can upload to until expires. The
// error is M_LIMIT_EXCEEDED when too many are reserved.
//
// Spec: client-server-api#post_matrixmediav1create
func (m *Media) Create(ctx context.Context, p matrix.Principal) (uri id.ContentURI, expires time.Time, err error) {
	defer matrix.Wrap(&err, "create media")
	if err := notSuspended(p); err != nil {
		return id.ContentURI{}, time.Time{}, err
	}
	now := m.now()
	uri, expires = m.newURI(), now.Add(m.opts.PendingLife)
	item := mediastore.Item{Origin: uri.Homeserver, ID: uri.FileID, Uploader: p.User, CreatedMS: now.UnixMilli(), ExpiresMS: expires.UnixMilli()}
	fullUntil, err := m.store.Reserve(ctx, item, m.opts.MaxPending)
	if err != nil {
		return id.ContentURI{}, time.Time{}, err
	}
	if fullUntil > 0 {
		full := matrix.Errorf(matrix.LimitExceeded, "Upload to the addresses you have created before you create more.")
		full.RetryAfter = max(time.Second, time.UnixMilli(fullUntil).Sub(now))
		return id.ContentURI{}, time.Time{}, full
	}
	return uri, expires, nil
}

// Fill stores content at an address that Create has reserved. Errors are those
// of Upload, and M_NOT_FOUND, M_FORBIDDEN and M_CANNOT_OVERWRITE_MEDIA when
// the address is unknown or expired, somebody else's, or in use.
//
// Spec: client-server-api#put_matrixmediav3uploadservernamemediaid
func (m *Media) Fill(ctx context.Context, p matrix.Principal, uri id.ContentURI, up Upload) (err error) {
	defer matrix.Wrap(&err, "upload to created media")
	if err := m.fillable(ctx, p, uri); err != nil {
		return err
	}
	if err := m.mayUpload(ctx, p, &up); err != nil {
		return err
	}
	content, err := m.receive(up, m.opts.KeepMetadata)
	if err != nil {
		return err
	}
	file, err := m.store.Fill(ctx, m.item(uri, p.User, up, content), content.blob, m.opts.Quota)
	err = m.settle(ctx, content.file, file, err)
	if errors.Is(err, mediastore.ErrNotPending) { // since we looked
		return errOverwrite()
	}
	return err
}

// fillable looks whether an upload is expected, before it is received.
func (m *Media) fillable(ctx context.Context, p matrix.Principal, uri id.ContentURI) error {
	if err := checkURI(uri); err != nil {
		return err
	}
	if uri.Homeserver != m.opts.ServerName {
		return errUnknown()
	}
	item, ok, err := m.store.Item(ctx, uri.Homeserver, uri.FileID)
	switch {
	case err != nil:
		return err
	case !ok:
		return errUnknown()
	case item.Uploader != p.User:
		return matrix.Errorf(matrix.Forbidden, "Somebody else has created this address.")
	case item.File != "":
		return errOverwrite()
	case item.ExpiresMS <= m.now().UnixMilli():
		return errUnknown()
	}
	return nil
}

func errOverwrite() error {
	return matrix.Errorf(matrix.CannotOverwriteMedia, "There is an upload at this address already.")
}

func errUnknown() error { return matrix.Errorf(matrix.NotFound, "There is no such media.") }

func notSuspended(p matrix.Principal) error {
	if p.Suspended {
		return matrix.Errorf(matrix.UserSuspended, "A suspended account cannot upload.")
	}
	return nil
}

// mayUpload refuses what can be refused before the body is read, and puts
// what the client says about it in order.
func (m *Media) mayUpload(ctx context.Context, p matrix.Principal, up *Upload) error {
	if err := notSuspended(p); err != nil {
		return err
	}
	if up.Length > m.opts.MaxUpload {
		return m.errTooLarge()
	}
	if len(up.Filename) > maxFilename || !utf8.ValidString(up.Filename) {
		return matrix.Errorf(matrix.InvalidParam, "The file name is longer than %d bytes, or no UTF-8.", maxFilename)
	}
	if m.opts.Quota <= 0 {
		return nil
	}
	usage, err := m.store.Usage(ctx, p.User)
	if err == nil && usage.Bytes+max(0, up.Length) > m.opts.Quota {
		return m.errQuota()
	}
	return err
}

func (m *Media) errTooLarge() error {
	return matrix.Errorf(matrix.TooLarge, "Files can have %d bytes here.", m.opts.MaxUpload)
}

func (m *Media) errQuota() error {
	return matrix.Errorf(matrix.Forbidden, "Your files can have %d bytes together here.", m.opts.Quota)
}

// received is content on the disk that nothing refers to yet.
type received struct {
	file     blob.ID
	blob     mediastore.Blob
	animated bool
}

// receive writes content to a sealed blob. Unless keep is set, an image loses
// what identifies people, places and devices. What is not called an image, and
// is none on a closer look, is an encrypted file that begins like one.
func (m *Media) receive(up Upload, keep bool) (received, error) {
	w, format, err := m.take(up.Body)
	if err != nil {
		return received{}, err
	}
	defer w.Discard()
	if format == "" {
		return sealed(w, false)
	}
	r, err := w.Reader()
	if err != nil {
		return received{}, err
	}
	defer r.Close()
	info, err := picture.Scan(r, format)
	if errors.Is(err, picture.ErrBroken) {
		if keep || up.ContentType != "" && !strings.HasPrefix(strings.ToLower(up.ContentType), "image/") {
			return sealed(w, false)
		}
		broken := matrix.Errorf(matrix.Unknown, "This image is broken, so that what it says about places and people cannot be removed.")
		broken.Err = err
		return received{}, broken
	}
	if err != nil {
		return received{}, err
	}
	animated := info.Frames > 1 && info.Frames <= m.opts.MaxFrames
	if keep || !info.Dirty {
		return sealed(w, animated)
	}
	cleaned, err := m.blobs.Create()
	if err != nil {
		return received{}, err
	}
	defer cleaned.Discard()
	if err := info.WriteClean(cleaned, r); err != nil {
		return received{}, err
	}
	return sealed(cleaned, animated)
}

// take writes a body to a new blob and recognises images by their beginning.
func (m *Media) take(r io.Reader) (*blob.Writer, picture.Format, error) {
	w, err := m.blobs.Create()
	if err != nil {
		return nil, "", err
	}
	body := &body{r: r}
	_, err = io.Copy(w, io.LimitReader(body, m.opts.MaxUpload+1))
	var cut *http.MaxBytesError
	switch {
	case errors.As(body.err, &cut), w.Size() > m.opts.MaxUpload:
		err = m.errTooLarge()
	case body.err != nil:
		broken := matrix.Errorf(matrix.Unknown, "The upload broke off.")
		broken.Err = body.err
		err = broken
	}
	if err != nil {
		w.Discard()
		return nil, "", err
	}
	return w, picture.Sniff(body.head), nil
}

// body tells faults of the sender from those of the disk, and remembers how
// the content begins.
type body struct {
	r    io.Reader
	err  error
	head []byte
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if missing := picture.SniffLen - len(b.head); missing > 0 {
		b.head = append(b.head, p[:min(n, missing)]...)
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func sealed(w *blob.Writer, animated bool) (received, error) {
	size := w.Size()
	file, err := w.Seal()
	return received{file: file, blob: mediastore.Blob{Hash: file.Hash(), File: string(file), Size: size}, animated: animated}, err
}

// item describes received content.
func (m *Media) item(uri id.ContentURI, user id.UserID, up Upload, content received) mediastore.Item {
	return mediastore.Item{
		Origin: uri.Homeserver, ID: uri.FileID, Uploader: user,
		ContentType: contentType(up.ContentType), Filename: up.Filename,
		Animated: content.animated, CreatedMS: m.now().UnixMilli(),
	}
}

// contentType returns what a client says, or the unknown type when that makes
// no sense.
func contentType(said string) string {
	if _, _, err := mime.ParseMediaType(said); err != nil || len(said) > maxContentType {
		return unknownType
	}
	return said
}

// settle ends the pending state of a sealed blob after the database was
// told: used is the file it refers to for that content. It returns err for
// the client.
func (m *Media) settle(ctx context.Context, file blob.ID, used string, err error) error {
	var settled error
	switch {
	case errors.Is(err, mediastore.ErrQuota):
		err, settled = m.errQuota(), m.blobs.Discard(file)
	case errors.Is(err, mediastore.ErrNotPending), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		settled = m.blobs.Discard(file)
	case err != nil: // perhaps committed: the next start asks the database
	case used != string(file):
		settled = m.blobs.Discard(file)
	default:
		settled = m.blobs.Place(file)
	}
	if settled != nil { // the content can be read where it is
		m.log.LogAttrs(ctx, slog.LevelError, "settle media", slog.Any("err", settled))
	}
	return err
}

// newURI returns an address nobody can guess.
func (m *Media) newURI() id.ContentURI {
	var random [18]byte
	rand.Read(random[:])
	return id.ContentURI{Homeserver: m.opts.ServerName, FileID: base64.RawURLEncoding.EncodeToString(random[:])}
}

// checkURI refuses addresses that cannot exist.
//
// Spec: client-server-api#security-considerations-5
func checkURI(uri id.ContentURI) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if uri.FileID == "" || len(uri.FileID) > 255 || strings.Trim(uri.FileID, allowed) != "" {
		return matrix.Errorf(matrix.InvalidParam, "A media id consists of letters, digits, - and _.")
	}
	if len(uri.Homeserver) > 255 || !id.ValidateServerName(uri.Homeserver) {
		return matrix.Errorf(matrix.InvalidParam, "This is not the name of a server.")
	}
	return nil
}
