package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// quality of JPEG thumbnails.
const quality = 80

// Thumbnail decodes the image of which i is the Scan and returns it at the
// given size, upright and without metadata: as JPEG, or as PNG when parts of
// it are transparent. Of an animation it shows the first frame. The error is
// ErrTooLarge when the image exceeds the limits, and wraps ErrBroken when it
// cannot be decoded.
func (i Info) Thumbnail(src io.ReadSeeker, size Size, limits Limits) ([]byte, Format, error) {
	if err := i.Check(limits); err != nil {
		return nil, "", err
	}
	img, err := i.decode(src)
	if err != nil {
		return nil, "", err
	}
	part, to := size.stored(i).plan(img.Bounds().Dx(), img.Bounds().Dy())
	small := turn(shrink(img, part, to), i.Orientation)
	var out bytes.Buffer
	if !small.Opaque() {
		if err := png.Encode(&out, small); err != nil {
			return nil, "", err
		}
		return out.Bytes(), PNG, nil
	}
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
		return nil, "", err
	}
	if len(i.profile) == 0 {
		return out.Bytes(), JPEG, nil
	}
	// The pixels are in the colours of the original's profile.
	start := out.Bytes()[:2]
	return append(append(bytes.Clone(start), i.profile...), out.Bytes()[2:]...), JPEG, nil
}

// decode returns the image, or the first frame of it on its canvas.
func (i Info) decode(src io.ReadSeeker) (image.Image, error) {
	decoders := map[Format]struct {
		config func(io.Reader) (image.Config, error)
		image  func(io.Reader) (image.Image, error)
	}{
		JPEG: {jpeg.DecodeConfig, jpeg.Decode},
		PNG:  {png.DecodeConfig, png.Decode},
		GIF:  {gif.DecodeConfig, gif.Decode},
		WebP: {webp.DecodeConfig, webp.Decode},
	}
	decoder, ok := decoders[i.Format]
	if !ok {
		return nil, fmt.Errorf("%w: unknown format", ErrBroken)
	}
	want, at := image.Pt(i.Width, i.Height), image.Point{}
	open := func() (io.Reader, error) {
		_, err := src.Seek(0, io.SeekStart)
		return bufio.NewReaderSize(src, 64<<10), err
	}
	if f := i.first; f.len > 0 {
		want, at = image.Pt(f.width, f.height), image.Pt(f.x, f.y)
		open = func() (io.Reader, error) { return f.open(src) }
	}

	// Measured once more by the decoder itself: what Scan saw and what the
	// decoder sees must not differ, or the limits would be void.
	r, err := open()
	if err != nil {
		return nil, err
	}
	config, err := decoder.config(r)
	if err != nil {
		return nil, undecodable(err)
	}
	if config.Width != want.X || config.Height != want.Y {
		return nil, undecodable(errors.New("contradictory sizes"))
	}
	if r, err = open(); err != nil {
		return nil, err
	}
	img, err := decoder.image(r)
	if err != nil {
		return nil, undecodable(err)
	}
	canvas := image.Rect(0, 0, i.Width, i.Height)
	if at == (image.Point{}) && img.Bounds().Size() == canvas.Size() {
		return img, nil
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, img.Bounds().Add(at), img, img.Bounds().Min, draw.Src)
	return whole, nil
}

// undecodable wraps the errors of decoders. A fault of the reader keeps its
// place in the chain, so that errors.Is finds it.
func undecodable(err error) error {
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// open returns the frame as a WebP file of its own.
func (f webpFrame) open(src io.ReadSeeker) (io.Reader, error) {
	if _, err := src.Seek(f.off, io.SeekStart); err != nil {
		return nil, err
	}
	var head []byte
	if f.alpha {
		head = append(head, "VP8X\x0a\x00\x00\x00"...)
		head = append(head, webpAlpha, 0, 0, 0)
		head = appendUint24(head, f.width-1)
		head = appendUint24(head, f.height-1)
	}
	start := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+int64(len(head))+f.len))
	start = append(append(start, "WEBP"...), head...)
	return bufio.NewReaderSize(io.MultiReader(bytes.NewReader(start), io.LimitReader(src, f.len)), 64<<10), nil
}

func appendUint24(b []byte, n int) []byte {
	return append(b, byte(n), byte(n>>8), byte(n>>16))
}
