package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// The images of these tests are made here, so that what they carry is known.

// secret stands for whatever must not survive.
const secret = "GPS 52.5N 13.4E, by Ada"

// quarters is an image whose corners have different colours: red at the top
// left, green at the top right, blue at the lower left, white at the lower right.
func quarters(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{R: 255, A: 255}
			switch right, low := x >= width/2, y >= height/2; {
			case right && low:
				c = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
			case right:
				c = color.NRGBA{G: 255, A: 255}
			case low:
				c = color.NRGBA{B: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func makeJPEG(t testing.TB, width, height int, segments ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, quarters(width, height), &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{b.Bytes()[:2], bytes.Join(segments, nil), b.Bytes()[2:]}, nil)
}

func segment(mark byte, body string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xFF, mark}, uint16(len(body)+2))
	return append(b, body...)
}

// exif is EXIF data with an orientation, a description and a directory more.
func exif(order binary.AppendByteOrder, orientation int) string {
	b := []byte("II*\x00")
	if order.String() == "BigEndian" {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 0x010E) // ImageDescription
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(b, uint32(len(secret)))
	b = order.AppendUint32(b, 38)
	b = order.AppendUint16(b, orientationTag)
	b = order.AppendUint16(b, typeShort)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, uint16(orientation))
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	return string(b) + secret
}

func makePNG(t testing.TB, img image.Image, chunks ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	const header = len(pngSignature) + 25
	return bytes.Join([][]byte{b.Bytes()[:header], bytes.Join(chunks, nil), b.Bytes()[header:]}, nil)
}

func pngChunk(kind, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// makeGIF has one frame for each colour.
func makeGIF(t testing.TB, width, height int, colours ...color.Color) []byte {
	t.Helper()
	var g gif.GIF
	for _, c := range colours {
		frame := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{c, color.Black})
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withGIF puts extensions before the trailer.
func withGIF(file []byte, extensions ...string) []byte {
	out := bytes.Clone(file[:len(file)-1])
	for _, e := range extensions {
		out = append(out, e...)
	}
	return append(out, gifTrailer)
}

// makeVP8L codes an image of one colour: five prefix codes of one symbol each,
// and no bits for the pixels.
func makeVP8L(width, height int, c color.NRGBA) string {
	var bits bitWriter
	bits.add(0x2F, 8)
	bits.add(width-1, 14)
	bits.add(height-1, 14)
	bits.add(1, 1)   // alpha is used
	bits.add(0, 3+3) // version; no transforms, colour cache or meta codes
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		bits.add(1, 1) // simple
		bits.add(0, 1) // one symbol
		bits.add(1, 1) // of eight bits
		bits.add(int(symbol), 8)
	}
	return string(bits.out)
}

type bitWriter struct {
	out  []byte
	used int
}

func (b *bitWriter) add(value, n int) {
	for i := range n {
		if b.used%8 == 0 {
			b.out = append(b.out, 0)
		}
		b.out[len(b.out)-1] |= byte(value >> i & 1 << (b.used % 8))
		b.used++
	}
}

func webpChunk(kind, body string) string {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	if len(body)&1 == 1 {
		body += "\x00"
	}
	return string(b) + body
}

func webpHeader(flags byte, width, height int) string {
	b := appendUint24([]byte{flags, 0, 0, 0}, width-1)
	return webpChunk("VP8X", string(appendUint24(b, height-1)))
}

func makeWebP(chunks ...string) []byte {
	body := "WEBP"
	for _, c := range chunks {
		body += c
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func anmf(x, y, width, height int, chunks string) string {
	b := appendUint24(nil, x/2)
	b = appendUint24(b, y/2)
	b = appendUint24(b, width-1)
	b = appendUint24(b, height-1)
	b = appendUint24(b, 100)
	return webpChunk("ANMF", string(append(b, 0))+chunks)
}
