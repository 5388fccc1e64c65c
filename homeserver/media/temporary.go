package media

import (
	"context"
	"errors"
	"io"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media/picture"
	"plenum/internal/matrix"
	"plenum/storage/blob"
)

// ErrNoImage is returned for content that is no image of a known format.
var ErrNoImage = errors.New("no image")

// Image is an image that is kept for a while.
type Image struct {
	URI           id.ContentURI
	ContentType   string
	Size          int64 // bytes
	Width, Height int   // pixels, as shown
}

// KeepImage stores an image that belongs to nobody, for a time. It loses what
// it says about people and places whatever the settings are: nobody here has
// chosen to show it. The error is ErrNoImage for anything but an image.
func (m *Media) KeepImage(ctx context.Context, body io.Reader, life time.Duration) (img Image, err error) {
	defer matrix.Wrap(&err, "keep image")
	content, err := m.receive(Upload{Body: body, ContentType: "image/*"}, false)
	if err != nil {
		return img, err
	}
	info, err := m.scan(content.blob.File)
	if err != nil {
		return img, errors.Join(err, m.blobs.Discard(content.file))
	}
	img = Image{URI: m.newURI(), ContentType: string(info.Format), Size: content.blob.Size, Width: info.Width, Height: info.Height}
	if info.Orientation >= 5 {
		img.Width, img.Height = img.Height, img.Width
	}
	item := m.item(img.URI, "", Upload{ContentType: img.ContentType}, content)
	item.ExpiresMS = m.now().Add(life).UnixMilli()
	file, err := m.store.Add(ctx, item, content.blob, 0)
	return img, m.settle(ctx, content.file, file, err)
}

// scan measures an image on the disk.
func (m *Media) scan(file string) (picture.Info, error) {
	r, err := m.blobs.Open(blob.ID(file))
	if err != nil {
		return picture.Info{}, err
	}
	defer r.Close()
	head := make([]byte, picture.SniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return picture.Info{}, err
	}
	format := picture.Sniff(head[:n])
	if format == "" {
		return picture.Info{}, ErrNoImage
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return picture.Info{}, err
	}
	return picture.Scan(r, format)
}
