package picture

import "encoding/binary"

// GIF block introducers and extension labels.
const (
	gifExtension   = 0x21
	gifImage       = 0x2C
	gifTrailer     = 0x3B
	gifPlainText   = 0x01
	gifControl     = 0xF9
	gifApplication = 0xFF
)

// scanGIF walks the blocks of a GIF file. Comments go, and so do application
// extensions other than those for looping and colour profiles: XMP is one. A
// missing trailer is accepted, because decoders do.
func scanGIF(w *walk) error {
	head, err := w.read(13)
	if err != nil {
		return err
	}
	w.info.Width = int(binary.LittleEndian.Uint16(head[6:]))
	w.info.Height = int(binary.LittleEndian.Uint16(head[8:]))
	w.info.bytes = w.info.pixels() * 5 // one for the frame, four for the canvas
	w.info.Frames = 0
	if err := gifColours(w, head[10]); err != nil {
		return err
	}
	if err := w.keep(0); err != nil {
		return err
	}
	for {
		if end, err := w.atEnd(); err != nil {
			return err
		} else if end {
			return gifDone(w)
		}
		start := w.at
		kind, err := w.read(1)
		if err != nil {
			return err
		}
		kept := true
		switch kind[0] {
		case gifImage:
			err = gifFrame(w)
		case gifExtension:
			kept, err = gifExtra(w)
		case gifTrailer:
			if err := w.keep(start); err != nil {
				return err
			}
			if err := w.dropRest(); err != nil {
				return err
			}
			return gifDone(w)
		default:
			return w.broken("an unknown block")
		}
		if err != nil {
			return err
		}
		if !kept {
			w.drop()
			continue
		}
		if err := w.keep(start); err != nil {
			return err
		}
	}
}

func gifDone(w *walk) error {
	if w.info.Frames == 0 {
		return w.broken("no image data")
	}
	return nil
}

// gifColours passes over the colour table that flags announce.
func gifColours(w *walk, flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	return w.skip(3 << (flags&7 + 1))
}

// gifFrame passes over one image.
func gifFrame(w *walk) error {
	head, err := w.read(9)
	if err != nil {
		return err
	}
	if err := gifColours(w, head[8]); err != nil {
		return err
	}
	if err := w.skip(1); err != nil { // code size
		return err
	}
	w.info.Frames++
	return gifBlocks(w)
}

// gifExtra passes over an extension and reports whether to keep it.
func gifExtra(w *walk) (bool, error) {
	label, err := w.read(1)
	if err != nil {
		return false, err
	}
	kept := label[0] == gifControl || label[0] == gifPlainText
	if label[0] == gifApplication {
		size, err := w.read(1)
		if err != nil {
			return false, err
		}
		name, err := w.read(int(size[0]))
		if err != nil {
			return false, err
		}
		switch string(name) {
		case "NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012":
			kept = true
		}
		if len(name) == 0 { // that was the end already
			return kept, nil
		}
	}
	return kept, gifBlocks(w)
}

// gifBlocks passes over data blocks to their end.
func gifBlocks(w *walk) error {
	for {
		size, err := w.r.ReadByte()
		if err != nil {
			return w.ended(err)
		}
		w.at++
		if size == 0 {
			return nil
		}
		if err := w.skip(int64(size)); err != nil {
			return err
		}
	}
}
