package picture

import (
	"bytes"
	"encoding/binary"
	"io"
)

// JPEG markers; see ITU-T T.81, table B.1.
const (
	markTEM   = 0x01
	markSOF0  = 0xC0
	markDHT   = 0xC4
	markJPG   = 0xC8
	markDAC   = 0xCC
	markSOF15 = 0xCF
	markRST0  = 0xD0
	markRST7  = 0xD7
	markEOI   = 0xD9
	markSOS   = 0xDA
	markDQT   = 0xDB
	markDNL   = 0xDC
	markDRI   = 0xDD
	markDHP   = 0xDE
	markEXP   = 0xDF
	markAPP0  = 0xE0
	markAPP1  = 0xE1
	markAPP2  = 0xE2
	markAPP14 = 0xEE
)

// maxProfile is the longest colour profile that goes into thumbnails. The
// usual ones are below 4 KiB.
const maxProfile = 16 << 10

// jpegWalk is the state of one scanJPEG.
type jpegWalk struct {
	*walk
	framed, progressive bool
	components          int64
	turned              bool // the orientation is written
	profileLen          int
}

// scanJPEG walks the segments of a JPEG file. Before the first scan nothing
// but segments is accepted: an encrypted file begins like a JPEG one time in
// sixteen million, and must not be taken for one. A missing end is accepted,
// because decoders do.
func scanJPEG(w *walk) error {
	j := &jpegWalk{walk: w}
	w.info.scans = 0
	if err := w.skip(2); err != nil { // SOI, by Sniff
		return err
	}
	if err := w.keep(0); err != nil {
		return err
	}
	for {
		mark, err := j.marker()
		if err != nil {
			return err
		}
		switch {
		case mark == 0: // end of file after a scan
			return j.finish()
		case mark == markEOI:
			if err := w.keep(w.at - 2); err != nil {
				return err
			}
			if err := w.dropRest(); err != nil {
				return err
			}
			return j.finish()
		case mark == markTEM || mark >= markRST0 && mark <= markRST7:
			err = w.keep(w.at - 2)
		default:
			err = j.segment(mark)
		}
		if err != nil {
			return err
		}
	}
}

func (j *jpegWalk) finish() error {
	if j.info.scans == 0 {
		return j.broken("no image data")
	}
	perSample := int64(1)
	if j.progressive {
		perSample += 4 // the decoder keeps every coefficient
	}
	j.info.bytes = j.info.pixels() * j.components * perSample
	return nil
}

// marker reads the next marker, dropping fill bytes before it. It returns 0 at
// an end of the file that is tolerable.
func (j *jpegWalk) marker() (byte, error) {
	if j.info.scans > 0 {
		if end, err := j.atEnd(); end || err != nil {
			return 0, err
		}
	}
	b, err := j.read(2)
	if err != nil {
		return 0, err
	}
	if b[0] != 0xFF || b[1] == 0 {
		return 0, j.broken("a marker is missing")
	}
	for b[1] == 0xFF {
		j.drop()
		next, err := j.read(1)
		if err != nil {
			return 0, err
		}
		b[1] = next[0]
	}
	return b[1], nil
}

// segment handles a marker that has a length and a body.
func (j *jpegWalk) segment(mark byte) error {
	start := j.at - 2
	size, err := j.read(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(size)) - 2
	if n < 0 {
		return j.broken("a segment without length")
	}
	body, err := j.read(n)
	if err != nil {
		return err
	}
	switch {
	case mark == markSOS:
		return j.scan(start)
	case mark == markDHT || mark == markDAC || mark == markDQT || mark == markDRI || mark == markDNL || mark == markDHP || mark == markEXP:
		return j.keep(start)
	case mark >= markSOF0 && mark <= markSOF15 && mark != markJPG:
		if err := j.frame(mark, body); err != nil {
			return err
		}
		return j.keep(start)
	case mark == markAPP0 && bytes.HasPrefix(body, []byte("JFIF\x00")) && n >= 14:
		return j.jfif(start, body)
	case mark == markAPP1 && bytes.HasPrefix(body, []byte(exifPrefix)):
		return j.exif(start, body)
	case mark == markAPP2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")):
		j.profile(size, body)
		return j.keep(start)
	case mark == markAPP14 && bytes.HasPrefix(body, []byte("Adobe")) && n <= 16: // says how colours are coded
		return j.keep(start)
	}
	j.drop()
	return nil
}

// frame reads the frame header.
func (j *jpegWalk) frame(mark byte, body []byte) error {
	if j.framed || len(body) < 6 || len(body) != 6+3*int(body[5]) || body[5] == 0 {
		return j.broken("a wrong frame header")
	}
	j.framed = true
	j.info.Height = int(binary.BigEndian.Uint16(body[1:]))
	j.info.Width = int(binary.BigEndian.Uint16(body[3:]))
	j.components = int64(body[5])
	j.progressive = mark&3 == 2
	return nil
}

// jfif keeps the JFIF header without its thumbnail, which may show what was
// cut out of the image.
func (j *jpegWalk) jfif(start int64, body []byte) error {
	if len(body) == 14 && body[12] == 0 && body[13] == 0 {
		return j.keep(start)
	}
	short := append([]byte{0xFF, markAPP0, 0, 16}, body[:12]...)
	return j.insert(append(short, 0, 0))
}

// exif keeps nothing but the orientation.
func (j *jpegWalk) exif(start int64, body []byte) error {
	o := orientation(body)
	if o == 1 || j.turned {
		j.drop()
		return nil
	}
	j.turned = true
	j.info.Orientation = o
	only := append([]byte(exifPrefix), orientationOnly(o)...)
	if bytes.Equal(only, body) {
		return j.keep(start)
	}
	return j.insert(append([]byte{0xFF, markAPP1, 0, byte(len(only) + 2)}, only...))
}

// profile remembers a small colour profile for thumbnails.
func (j *jpegWalk) profile(size, body []byte) {
	j.profileLen += len(body)
	if j.profileLen > maxProfile {
		j.info.profile = nil
		return
	}
	j.info.profile = append(j.info.profile, 0xFF, markAPP2, size[0], size[1])
	j.info.profile = append(j.info.profile, body...)
}

// scan passes over the coded pixels that follow a scan header.
func (j *jpegWalk) scan(start int64) error {
	if !j.framed {
		return j.broken("image data before its frame header")
	}
	j.info.scans++
	for {
		window, err := j.r.Peek(max(2, j.r.Buffered()))
		if len(window) < 2 {
			if err != nil && err != io.EOF {
				return err
			}
			if err := j.skip(int64(len(window))); err != nil { // a last byte of a cut file
				return err
			}
			return j.keep(start)
		}
		i := bytes.IndexByte(window[:len(window)-1], 0xFF)
		if i < 0 {
			if err := j.skip(int64(len(window) - 1)); err != nil {
				return err
			}
			continue
		}
		// FF 00 is a byte of data, restart markers belong to it, and a
		// second FF may start the real marker.
		next := window[i+1]
		if next != 0 && next != 0xFF && (next < markRST0 || next > markRST7) {
			if err := j.skip(int64(i)); err != nil {
				return err
			}
			return j.keep(start)
		}
		step := i + 2
		if next == 0xFF {
			step = i + 1
		}
		if err := j.skip(int64(step)); err != nil {
			return err
		}
	}
}
