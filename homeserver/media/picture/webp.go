package picture

import "encoding/binary"

// Flags of the VP8X chunk.
const (
	webpAnimation = 1 << 1
	webpXMP       = 1 << 2
	webpEXIF      = 1 << 3
	webpAlpha     = 1 << 4
)

// webpFrame is the first frame of an animation: its place on the canvas and
// where its chunks are in the file.
type webpFrame struct {
	x, y, width, height int
	off, len            int64
	alpha               bool
}

// webpWalk is the state of one scanWebP.
type webpWalk struct {
	*walk
	header []byte // VP8X body, nil in a simple file
	frames int
	data   bool
	turned int64 // where an EXIF chunk says nothing but the orientation, or 0
}

// scanWebP walks the chunks of a WebP file. Dropping chunks changes the
// length and the flags at the start of the file, so these are written anew.
func scanWebP(w *walk) error {
	riff, err := w.read(12)
	if err != nil {
		return err
	}
	total := int64(binary.LittleEndian.Uint32(riff[4:]))
	end := total + 8
	v := &webpWalk{walk: w}
	for w.at+8 <= end {
		if err := v.chunk(end); err != nil {
			return err
		}
	}
	if !v.data {
		return w.broken("no image data")
	}
	if w.at < end { // less than a chunk header is left
		w.drop()
		if err := w.skip(end - w.at); err != nil {
			return err
		}
	}
	if err := w.dropRest(); err != nil {
		return err
	}
	return v.finish(riff)
}

// chunk passes over one chunk.
func (v *webpWalk) chunk(end int64) error {
	start := v.at
	head, err := v.read(8)
	if err != nil {
		return err
	}
	kind, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
	next := v.at + size + size&1
	if next > end {
		if next != end+1 { // some writers leave out the padding of the last chunk
			return v.broken("a chunk is too long")
		}
		next = end
	}
	if err := v.look(kind, size, start); err != nil {
		return err
	}
	if err := v.skip(next - v.at); err != nil {
		return err
	}
	switch kind {
	case "VP8X": // its flags are known at the end
		return v.add(piece{new: append([]byte("VP8X\x0a\x00\x00\x00"), v.header...)})
	case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP":
		return v.keep(start)
	case "EXIF":
		if v.turned == start {
			return v.keep(start)
		}
	}
	v.drop()
	return nil
}

// look reads what Info needs of a chunk.
func (v *webpWalk) look(kind string, size, start int64) error {
	switch kind {
	case "VP8X":
		if size != 10 || v.header != nil || v.data {
			return v.broken("a wrong header")
		}
		body, err := v.read(10)
		if err != nil {
			return err
		}
		v.header = body
		v.info.Width, v.info.Height = uint24(body[4:])+1, uint24(body[7:])+1
		v.info.bytes = v.info.pixels() * 8
	case "VP8 ", "VP8L":
		if v.data {
			return nil
		}
		v.data = true
		return v.size(kind, size)
	case "ANMF":
		v.data = true
		v.frames++
		if v.frames == 1 {
			return v.frame(size)
		}
	case "EXIF":
		if size > maxEXIF || v.info.Orientation != 1 {
			return nil
		}
		body, err := v.read(int(size))
		if err != nil {
			return err
		}
		v.info.Orientation = orientation(body)
		if o := v.info.Orientation; o != 1 && v.header != nil && string(body) == string(orientationOnly(o)) {
			v.turned = start
		}
	}
	return nil
}

// size reads the dimensions that image data announces. They must be those of
// the canvas, or a small canvas would hide a large image.
func (v *webpWalk) size(kind string, size int64) error {
	head := 10
	if kind == "VP8L" {
		head = 5
	}
	if size < int64(head) {
		return v.broken("too little image data")
	}
	b, err := v.read(head)
	if err != nil {
		return err
	}
	var width, height int
	if kind == "VP8L" {
		bits := binary.LittleEndian.Uint32(b[1:])
		width, height = int(bits&0x3FFF)+1, int(bits>>14&0x3FFF)+1
	} else {
		width = int(binary.LittleEndian.Uint16(b[6:]) & 0x3FFF)
		height = int(binary.LittleEndian.Uint16(b[8:]) & 0x3FFF)
	}
	if v.header != nil && (width != v.info.Width || height != v.info.Height) {
		return v.broken("image data does not fit the canvas")
	}
	v.info.Width, v.info.Height = width, height
	v.info.bytes = v.info.pixels() * 8
	return nil
}

// frame reads where the first frame of an animation is.
func (v *webpWalk) frame(size int64) error {
	if size < 24 || v.header == nil {
		return v.broken("a wrong frame")
	}
	b, err := v.read(20)
	if err != nil {
		return err
	}
	v.info.first = webpFrame{
		x: 2 * uint24(b), y: 2 * uint24(b[3:]), width: uint24(b[6:]) + 1, height: uint24(b[9:]) + 1,
		off: v.at - 4, len: size - 16, alpha: string(b[16:]) == "ALPH",
	}
	f := v.info.first
	if f.x+f.width > v.info.Width || f.y+f.height > v.info.Height {
		return v.broken("a frame does not fit the canvas")
	}
	return nil
}

// finish writes the start of the file for what is kept, and the orientation.
func (v *webpWalk) finish(riff []byte) error {
	if v.frames > 0 {
		v.info.Frames = v.frames
	}
	if v.length()&1 == 1 { // the padding that some writers leave out
		if err := v.insert([]byte{0}); err != nil {
			return err
		}
	}
	if v.header == nil {
		v.info.Orientation = 1 // EXIF counts in the extended format only
	} else if err := v.flags(); err != nil {
		return err
	}
	start := append([]byte("RIFF"), 0, 0, 0, 0, 'W', 'E', 'B', 'P')
	binary.LittleEndian.PutUint32(start[4:], uint32(v.length()+4))
	if string(start) != string(riff) {
		v.drop()
	}
	v.kept = append([]piece{{new: start}}, v.kept...)
	return nil
}

// flags writes the orientation, unless it is there, and the flags that fit.
func (v *webpWalk) flags() error {
	flags := v.header[0] &^ (webpXMP | webpEXIF)
	if o := v.info.Orientation; o != 1 {
		flags |= webpEXIF
		if v.turned == 0 {
			only := orientationOnly(o)
			chunk := binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(only)))
			if err := v.insert(append(chunk, only...)); err != nil {
				return err
			}
		}
	}
	if flags != v.header[0] {
		v.drop()
	}
	for _, p := range v.kept {
		if len(p.new) > 8 && string(p.new[:4]) == "VP8X" {
			p.new[8] = flags
		}
	}
	return nil
}

// length returns the length of what is kept.
func (v *webpWalk) length() (n int64) {
	for _, p := range v.kept {
		n += p.len + int64(len(p.new))
	}
	return n
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
