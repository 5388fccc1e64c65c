package picture

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngKept lists the optional chunks that change how the image looks or moves.
// Chunks that a decoder must understand are kept whatever their name.
const pngKept = "tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI mDCv cLLi bKGD hIST pHYs sPLT acTL fcTL fdAT"

// pngProgram is how a text chunk begins that names the program which wrote the
// file. It says nothing about a person or a place, and stays, so that a picture
// without secrets is served as it was uploaded.
const pngProgram = "Software\x00"

// maxEXIF is the longest EXIF data that is looked into for an orientation.
const maxEXIF = 64 << 10

// scanPNG walks the chunks of a PNG file. Checksums are left to decoders.
func scanPNG(w *walk) error {
	if err := w.skip(int64(len(pngSignature))); err != nil {
		return err
	}
	if err := w.keep(0); err != nil {
		return err
	}
	var turned, data bool
	for first := true; ; first = false {
		start := w.at
		head, err := w.read(8)
		if err != nil {
			return err
		}
		size, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if size > 1<<31-1 || !letters(kind) || first != (kind == "IHDR") {
			return w.broken("a wrong chunk")
		}
		var body []byte
		if kind == "IHDR" && size == 13 || kind == "acTL" && size == 8 || kind == "eXIf" && size <= maxEXIF {
			body, err = w.read(int(size))
			size = 0
		}
		if kind == "tEXt" && size >= int64(len(pngProgram)) && size < 256 {
			body, err = w.read(int(size))
			size = 0
		}
		if err == nil {
			err = w.skip(size + 4)
		}
		if err != nil {
			return err
		}
		switch kind {
		case "IHDR":
			if err := pngHeader(w, body); err != nil {
				return err
			}
		case "IDAT":
			data = true
		case "acTL":
			if frames := binary.BigEndian.Uint32(append(body, 0, 0, 0, 0)); body != nil && frames > 1 {
				w.info.Frames = int(min(frames, 1<<30))
			}
		case "eXIf":
			if o := orientation(body); o != 1 && !turned {
				turned = true
				w.info.Orientation = o
				if err := pngOrientation(w, start, body, o); err != nil {
					return err
				}
				continue
			}
		}
		program := kind == "tEXt" && strings.HasPrefix(string(body), pngProgram)
		if kind[0] >= 'a' && !program && !strings.Contains(pngKept, kind) {
			w.drop()
			continue
		}
		if err := w.keep(start); err != nil {
			return err
		}
		if kind == "IEND" {
			if !data {
				return w.broken("no image data")
			}
			return w.dropRest()
		}
	}
}

// pngHeader reads the IHDR chunk.
func pngHeader(w *walk, body []byte) error {
	if len(body) != 13 {
		return w.broken("a wrong header")
	}
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width == 0 || height == 0 || width > 1<<31-1 || height > 1<<31-1 {
		return w.broken("a wrong size")
	}
	w.info.Width, w.info.Height = int(width), int(height)
	perPixel := int64(4)
	if body[8] == 16 {
		perPixel = 8
	}
	if body[12] != 0 { // interlaced: every pass is decoded apart
		perPixel *= 2
	}
	if w.info.pixels() < 1<<50 {
		w.info.bytes = w.info.pixels() * perPixel
	}
	return nil
}

// pngOrientation replaces an eXIf chunk by one with nothing but the orientation.
func pngOrientation(w *walk, start int64, body []byte, o int) error {
	only := orientationOnly(o)
	if string(body) == string(only) {
		return w.keep(start)
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(only)))
	chunk = append(append(chunk, "eXIf"...), only...)
	return w.insert(binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:])))
}

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
