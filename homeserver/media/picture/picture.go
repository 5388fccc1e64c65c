package picture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrBroken is wrapped by the errors of Scan and Thumbnail about an image
// that does not follow its format.
var ErrBroken = errors.New("broken image")

// ErrTooLarge is returned for an image that would cost too much to decode.
var ErrTooLarge = errors.New("image too large to decode")

// Format is an image container.
type Format string

// The formats that Scan walks. The zero Format is none of them.
const (
	JPEG Format = "image/jpeg"
	PNG  Format = "image/png"
	GIF  Format = "image/gif"
	WebP Format = "image/webp"
)

// SniffLen is how many bytes Sniff wants to see.
const SniffLen = 12

// Sniff recognises the format by the first bytes of a file; "" is none.
func Sniff(head []byte) Format {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(head, []byte(pngSignature)):
		return PNG
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return GIF
	case len(head) >= SniffLen && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP
	}
	return ""
}

// Info is what Scan learns about an image.
type Info struct {
	Format        Format
	Width, Height int  // in pixels as stored, before Orientation is applied
	Orientation   int  // 1 to 8 as in EXIF; 1 is upright
	Frames        int  // 1 for a still image
	Dirty         bool // there is something to drop; see WriteClean

	pieces  []piece
	scans   int       // passes over the pixels that decoding makes
	bytes   int64     // memory that decoding takes, about
	profile []byte    // JPEG: the segments of a small colour profile
	first   webpFrame // animated WebP: the first frame
}

// piece is a part of a cleaned image: a range of the original, or new bytes.
type piece struct {
	off, len int64
	new      []byte
}

// Scan walks the container of an image to its end. The error wraps ErrBroken
// when the container is damaged.
func Scan(r io.Reader, format Format) (Info, error) {
	w := &walk{r: bufio.NewReaderSize(r, 64<<10), info: Info{Format: format, Orientation: 1, Frames: 1, scans: 1}}
	var err error
	switch format {
	case JPEG:
		err = scanJPEG(w)
	case PNG:
		err = scanPNG(w)
	case GIF:
		err = scanGIF(w)
	case WebP:
		err = scanWebP(w)
	default:
		err = fmt.Errorf("%w: unknown format", ErrBroken)
	}
	if err != nil {
		return Info{}, err
	}
	w.info.pieces = w.kept
	return w.info, nil
}

// WriteClean copies the image of which i is the Scan from src to dst, without
// what identifies people, places and devices.
func (i Info) WriteClean(dst io.Writer, src io.ReadSeeker) error {
	for _, p := range i.pieces {
		if p.new != nil {
			if _, err := dst.Write(p.new); err != nil {
				return err
			}
			continue
		}
		if _, err := src.Seek(p.off, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(dst, src, p.len); err != nil {
			return err
		}
	}
	return nil
}

// Limits bounds what is decoded.
type Limits struct {
	Pixels int64 // width times height
}

// maxScans is how many passes over the pixels an image may ask for. Encoders
// write about ten; a file of thousands is made to keep a processor busy.
const maxScans = 64

// Check returns ErrTooLarge for an image that must not be decoded.
func (i Info) Check(l Limits) error {
	if i.pixels() > l.Pixels || i.scans > maxScans {
		return ErrTooLarge
	}
	return nil
}

func (i Info) pixels() int64 { return int64(i.Width) * int64(i.Height) }

// Cost returns about how many bytes of memory decoding the image takes.
func (i Info) Cost() int64 { return i.bytes }
