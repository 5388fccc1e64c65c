package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"plenum/homeserver/media/picture"
	"plenum/internal/matrix"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

// ThumbnailRequest names media and the thumbnail wanted of it.
type ThumbnailRequest struct {
	Request
	Width, Height int  // pixels; the thumbnail may be larger
	Crop          bool // fill the size, else fit into it
	Animated      bool // show an animation as one
}

// Thumbnail opens a smaller image of an image, making it when it is asked for
// the first time. The original is answered when it is no larger than that, and
// for an animation that is to stay one. Errors are those of Download, and
// M_UNKNOWN (400) for what is no image, M_TOO_LARGE for what would cost too
// much to decode.
//
// Spec: client-server-api#get_matrixclientv1mediathumbnailservernamemediaid
func (m *Media) Thumbnail(ctx context.Context, req ThumbnailRequest) (_ *File, err error) {
	defer matrix.Wrap(&err, "thumbnail")
	if req.Width < 1 || req.Height < 1 {
		return nil, matrix.Errorf(matrix.InvalidParam, "Width and height must be positive.")
	}
	item, err := m.find(ctx, req.Request)
	if err != nil {
		return nil, err
	}
	if req.Animated && item.Animated && item.Size <= m.opts.MaxAnimated {
		return m.openImage(item)
	}
	size := m.bucket(req.Width, req.Height, req.Crop)
	want := mediastore.Thumbnail{Width: int64(size.Width), Height: int64(size.Height), Crop: size.Crop}
	kept, ok, err := m.store.Thumbnail(ctx, item.Origin, item.ID, want)
	if err != nil {
		return nil, err
	}
	if ok {
		return m.openThumbnail(item, kept)
	}
	key := fmt.Sprintf("thumbnail %s/%s %v", item.Origin, item.ID, size)
	made, err, _ := m.flight.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTimeout)
		defer cancel()
		return m.make(ctx, item, want, size)
	})
	if err != nil {
		return nil, m.thumbnailError(item, err)
	}
	t := made.(madeThumbnail)
	if t.data == nil {
		return m.openThumbnail(item, t.Thumbnail)
	}
	f := &File{ReadSeekCloser: inMemory{bytes.NewReader(t.data)}, Size: int64(len(t.data))}
	return f.asThumbnail(item, t.Thumbnail), nil
}

// makeTimeout bounds the making of one thumbnail, with the wait for its turn.
const makeTimeout = 30 * time.Second

// madeThumbnail is in memory, or the original when data is nil.
type madeThumbnail struct {
	mediastore.Thumbnail
	data []byte
}

// make makes a thumbnail and keeps it, unless enough are kept of the image.
func (m *Media) make(ctx context.Context, item mediastore.Item, want mediastore.Thumbnail, size picture.Size) (madeThumbnail, error) {
	src, err := m.openBlob(item.File)
	if err != nil {
		return madeThumbnail{}, err
	}
	defer src.Close()
	format, err := sniff(src)
	if err != nil {
		return madeThumbnail{}, err
	}
	info, err := picture.Scan(src, format)
	if err != nil {
		return madeThumbnail{}, err
	}
	made := madeThumbnail{Thumbnail: want}
	still := info.Frames == 1
	if still && (size.Holds(info) || size.Width > m.opts.MaxThumbnail || size.Height > m.opts.MaxThumbnail) {
		made.ContentType, made.File = string(format), item.File
		content := mediastore.Blob{Hash: blob.ID(item.File).Hash(), File: item.File, Size: item.Size}
		_, err = m.store.AddThumbnail(ctx, item.Origin, item.ID, made.Thumbnail, content, int64(m.opts.MaxThumbnails))
		return made, err
	}
	size.Width, size.Height = min(size.Width, m.opts.MaxThumbnail), min(size.Height, m.opts.MaxThumbnail)
	if made.data, format, err = m.decode(ctx, src, info, size); err != nil {
		return madeThumbnail{}, err
	}
	made.ContentType = string(format)
	return made, m.keep(ctx, item, made)
}

// decode makes a thumbnail when it is its turn.
func (m *Media) decode(ctx context.Context, src io.ReadSeeker, info picture.Info, size picture.Size) ([]byte, picture.Format, error) {
	if err := info.Check(m.limits()); err != nil {
		return nil, "", err
	}
	// A share of the memory for each decoder bounds their number as well.
	cost := min(m.opts.DecodeMemory, max(info.Cost(), m.opts.DecodeMemory/int64(m.opts.Decoders)))
	if err := m.memory.Acquire(ctx, cost); err != nil {
		busy := matrix.Errorf(matrix.LimitExceeded, "Too many thumbnails are being made. Try again later.")
		busy.RetryAfter, busy.Err = makeTimeout, err
		return nil, "", busy
	}
	defer m.memory.Release(cost)
	return info.Thumbnail(cancelled{src, ctx}, size, m.limits())
}

// keep stores a thumbnail, unless enough are kept of the image.
func (m *Media) keep(ctx context.Context, item mediastore.Item, t madeThumbnail) error {
	w, err := m.blobs.Create()
	if err != nil {
		return err
	}
	defer w.Discard()
	if _, err := w.Write(t.data); err != nil {
		return err
	}
	content, err := sealed(w, false)
	if err != nil {
		return err
	}
	file, err := m.store.AddThumbnail(ctx, item.Origin, item.ID, t.Thumbnail, content.blob, int64(m.opts.MaxThumbnails))
	return m.settle(ctx, content.file, file, err)
}

// thumbnailError says in Matrix's terms why there is no thumbnail.
func (m *Media) thumbnailError(item mediastore.Item, err error) error {
	var answer *matrix.Error
	switch {
	case errors.As(err, &answer):
		return err
	case errors.Is(err, picture.ErrTooLarge), errors.Is(err, context.DeadlineExceeded):
		answer = matrix.Errorf(matrix.TooLarge, "This image is too large for a thumbnail.")
		if item.Uploader == "" {
			answer.Status = http.StatusBadGateway
		}
	case errors.Is(err, picture.ErrBroken):
		answer = matrix.Errorf(matrix.Unknown, "There can be no thumbnail of this.")
		answer.Status = http.StatusBadRequest
	default:
		return err
	}
	answer.Err = err
	return answer
}

// openThumbnail opens a thumbnail that is kept.
func (m *Media) openThumbnail(item mediastore.Item, t mediastore.Thumbnail) (*File, error) {
	f, err := m.openBlob(t.File)
	if err != nil {
		return nil, err
	}
	return f.asThumbnail(item, t), nil
}

// openImage opens an original as a thumbnail, by what it is and not by what
// the uploader called it.
func (m *Media) openImage(item mediastore.Item) (*File, error) {
	f, err := m.openBlob(item.File)
	if err != nil {
		return nil, err
	}
	format, err := sniff(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f.asThumbnail(item, mediastore.Thumbnail{ContentType: string(format)}), nil
}

// asThumbnail names a file for what it is.
func (f *File) asThumbnail(item mediastore.Item, t mediastore.Thumbnail) *File {
	f.ContentType = t.ContentType
	_, suffix, _ := strings.Cut(t.ContentType, "/")
	f.Filename = "thumbnail." + suffix
	f.Tag = fmt.Sprintf("%s-%dx%d-%t", item.ID, t.Width, t.Height, t.Crop)
	return f
}

// inMemory is a file of bytes.
type inMemory struct{ *bytes.Reader }

// Close does nothing.
func (inMemory) Close() error { return nil }

// cancelled stops a decoder when its time is up.
type cancelled struct {
	io.ReadSeeker
	ctx context.Context
}

// Read reads on until the context ends.
func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.ReadSeeker.Read(p)
}
