package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

func thumbnail(t testing.TB, file []byte, size Size) (image.Image, Format, []byte) {
	t.Helper()
	info, err := Scan(bytes.NewReader(file), Sniff(file))
	if err != nil {
		t.Fatal(err)
	}
	out, format, err := info.Thumbnail(bytes.NewReader(file), size, Limits{Pixels: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	if Sniff(out) != format {
		t.Errorf("a %q called %q", Sniff(out), format)
	}
	return decode(t, out), format, out
}

// corners names the colours in the corners, clockwise from the top left.
func corners(img image.Image) string {
	b := img.Bounds()
	var names string
	for _, p := range []image.Point{b.Min, {b.Max.X - 1, b.Min.Y}, {b.Max.X - 1, b.Max.Y - 1}, {b.Min.X, b.Max.Y - 1}} {
		r, g, bl, _ := img.At(p.X, p.Y).RGBA()
		switch high := func(v uint32) bool { return v > 0x8000 }; {
		case high(r) && high(g) && high(bl):
			names += "W"
		case high(r):
			names += "R"
		case high(g):
			names += "G"
		case high(bl):
			names += "B"
		default:
			names += "-"
		}
	}
	return names
}

func TestThumbnailSizes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		width, height int
		size          Size
		want          image.Point
	}{
		{4000, 3000, Size{800, 600, false}, image.Pt(800, 600)},
		{4000, 1000, Size{800, 600, false}, image.Pt(800, 200)},
		{1000, 4000, Size{800, 600, false}, image.Pt(150, 600)},
		{400, 300, Size{320, 240, false}, image.Pt(320, 240)},
		{4000, 3000, Size{96, 96, true}, image.Pt(96, 96)},
		{3000, 4000, Size{32, 64, true}, image.Pt(32, 64)},
		{97, 3000, Size{96, 96, true}, image.Pt(96, 96)},
		{20, 3000, Size{96, 96, true}, image.Pt(20, 20)},  // never enlarged
		{20, 10, Size{96, 96, true}, image.Pt(20, 10)},    // small enough already
		{20, 10, Size{320, 240, false}, image.Pt(20, 10)}, // likewise
		{5000, 1, Size{32, 32, false}, image.Pt(32, 1)},
		{1, 5000, Size{32, 32, true}, image.Pt(1, 1)},
	}
	for _, c := range cases {
		if _, got := c.size.plan(c.width, c.height); got != c.want {
			t.Errorf("%dx%d as %+v is %v, want %v", c.width, c.height, c.size, got, c.want)
		}
	}
}

func TestThumbnailShowsTheImage(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{"jpeg": makeJPEG(t, 640, 480), "png": makePNG(t, quarters(640, 480))} {
		for _, size := range []Size{{320, 240, false}, {96, 96, true}, {33, 20, false}, {50, 47, true}} {
			img, format, _ := thumbnail(t, file, size)
			if corners(img) != "RGWB" {
				t.Errorf("%s as %+v has corners %s, want RGWB", name, size, corners(img))
			}
			if format != JPEG {
				t.Errorf("%s gives %s, want JPEG for an opaque image", name, format)
			}
		}
	}
}

func TestThumbnailIsUpright(t *testing.T) {
	t.Parallel()
	// What somebody sees, from what is stored as RGWB clockwise.
	want := []string{1: "RGWB", 2: "GRBW", 3: "WBRG", 4: "BWGR", 5: "RBWG", 6: "BRGW", 7: "WGRB", 8: "GWBR"}
	for o := 1; o <= 8; o++ {
		file := makeJPEG(t, 160, 80, segment(markAPP1, exifPrefix+exif(binary.BigEndian, o)))
		_, file = clean(t, file)
		size := image.Pt(64, 32)
		if o >= 5 {
			size = image.Pt(32, 64)
		}
		img, _, out := thumbnail(t, file, Size{size.X, size.Y, false})
		if corners(img) != want[o] || img.Bounds().Size() != size {
			t.Errorf("orientation %d: corners %s, size %v, want %s, %v", o, corners(img), img.Bounds().Size(), want[o], size)
		}
		if bytes.Contains(out, []byte("Exif")) {
			t.Errorf("orientation %d: the thumbnail asks to be turned again", o)
		}
	}
}

func TestThumbnailOfTransparentImageIsPNG(t *testing.T) {
	t.Parallel()
	img := quarters(100, 100)
	img.SetNRGBA(50, 50, color.NRGBA{})
	small, format, _ := thumbnail(t, makePNG(t, img), Size{32, 32, true})
	if format != PNG {
		t.Errorf("format %s, want PNG", format)
	}
	if _, _, _, a := small.At(16, 16).RGBA(); a == 0xFFFF {
		t.Error("the transparent part is opaque")
	}
}

func TestThumbnailKeepsColours(t *testing.T) {
	t.Parallel()
	_, _, out := thumbnail(t, makeJPEG(t, 64, 64, icc()), Size{32, 32, false})
	if !bytes.Contains(out, icc()) {
		t.Error("the colour profile is gone")
	}
	large := segment(markAPP2, "ICC_PROFILE\x00\x01\x01"+string(make([]byte, maxProfile)))
	_, _, out = thumbnail(t, makeJPEG(t, 64, 64, large), Size{32, 32, false})
	if len(out) > maxProfile {
		t.Errorf("a thumbnail of %d bytes carries a large profile", len(out))
	}
}

func TestThumbnailOfAnimationIsItsFirstFrame(t *testing.T) {
	t.Parallel()
	img, _, _ := thumbnail(t, makeGIF(t, 100, 80, color.RGBA{R: 255, A: 255}, color.RGBA{G: 255, A: 255}), Size{32, 32, false})
	if corners(img) != "RRRR" {
		t.Errorf("gif: corners %s, want RRRR", corners(img))
	}
	red, green := color.NRGBA{R: 255, A: 255}, color.NRGBA{G: 255, A: 255}
	animation := makeWebP(webpHeader(webpAnimation, 100, 80), webpChunk("ANIM", "\x00\x00\x00\x00\x00\x00"),
		anmf(50, 0, 50, 80, webpChunk("VP8L", makeVP8L(50, 80, red))), anmf(0, 0, 100, 80, webpChunk("VP8L", makeVP8L(100, 80, green))))
	img, format, _ := thumbnail(t, animation, Size{50, 40, false})
	if corners(img) != "-RR-" || format != PNG {
		t.Errorf("webp: corners %s in %s, want the right half red, the rest transparent", corners(img), format)
	}
}

func TestThumbnailOfSixteenBitPNG(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA64(image.Rect(0, 0, 64, 64))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
	}
	file := makePNG(t, img)
	small, _, _ := thumbnail(t, file, Size{32, 32, false})
	if corners(small) != "WWWW" {
		t.Errorf("corners %s, want WWWW", corners(small))
	}
	info, _ := clean(t, file)
	if info.Cost() != 64*64*8 {
		t.Errorf("cost %d", info.Cost())
	}
}

func TestBombsAreNotDecoded(t *testing.T) {
	t.Parallel()
	limits := Limits{Pixels: 10_000 * 1000}
	huge := makePNG(t, quarters(8, 8))
	binary.BigEndian.PutUint32(huge[16:], 60_000)
	binary.BigEndian.PutUint32(huge[20:], 60_000)
	gif := makeGIF(t, 8, 8, color.White)
	copy(gif[6:], "\xff\xff\xff\xff")
	bombs := map[string][]byte{
		"png":  huge,
		"gif":  gif,
		"webp": makeWebP(webpChunk("VP8L", makeVP8L(16_384, 16_384, color.NRGBA{}))),
		"jpeg": manyScans(t),
	}
	for name, file := range bombs {
		info, err := Scan(bytes.NewReader(file), Sniff(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, _, err := info.Thumbnail(bytes.NewReader(file), Size{32, 32, false}, limits); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of %dx%d: %v, want ErrTooLarge", name, info.Width, info.Height, err)
		}
	}
}

// manyScans repeats the scan of an image.
func manyScans(t testing.TB) []byte {
	file := makeJPEG(t, 8, 8)
	scan := file[bytes.Index(file, []byte{0xFF, markSOS}) : len(file)-2]
	return append(file[:len(file)-2:len(file)-2], bytes.Repeat(scan, maxScans)...)
}

func TestUndecodableImages(t *testing.T) {
	t.Parallel()
	p := makePNG(t, quarters(8, 8))
	p[60] ^= 0xFF // inside the pixels: the container is whole
	info, err := Scan(bytes.NewReader(p), PNG)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := info.Thumbnail(bytes.NewReader(p), Size{4, 4, false}, Limits{Pixels: 100}); !errors.Is(err, ErrBroken) {
		t.Errorf("%v, want ErrBroken", err)
	}
	info.Width = 9
	if _, _, err := info.Thumbnail(bytes.NewReader(p), Size{4, 4, false}, Limits{Pixels: 100}); !errors.Is(err, ErrBroken) {
		t.Errorf("contradictory sizes: %v, want ErrBroken", err)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	upright, lying := Info{Width: 100, Height: 50, Orientation: 1}, Info{Width: 100, Height: 50, Orientation: 6}
	s := Size{Width: 100, Height: 50}
	if !s.Holds(upright) || s.Holds(lying) || (Size{Width: 99, Height: 50}).Holds(upright) {
		t.Error("an image is held when it is no wider and no higher, as it is shown")
	}
}

func BenchmarkThumbnail(b *testing.B) {
	photo := func(w, h int) image.Image { // smooth, as photographs are
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				img.SetRGBA(x, y, color.RGBA{R: uint8(x * 255 / w), G: uint8(y * 255 / h), B: uint8((x ^ y) >> 4), A: 255})
			}
		}
		return img
	}
	var j, p bytes.Buffer
	if err := jpeg.Encode(&j, photo(4000, 3000), nil); err != nil {
		b.Fatal(err)
	}
	if err := png.Encode(&p, photo(1920, 1080)); err != nil {
		b.Fatal(err)
	}
	for name, file := range map[string][]byte{"jpeg12MP": j.Bytes(), "png2MP": p.Bytes()} {
		for _, size := range []Size{{96, 96, true}, {800, 600, false}} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size.Width, size.Height), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					thumbnail(b, file, size)
				}
			})
		}
	}
}

func BenchmarkScan(b *testing.B) {
	noise := image.NewRGBA(image.Rect(0, 0, 2000, 2000))
	for i := range noise.Pix {
		noise.Pix[i] = byte(i * i >> 3)
	}
	var j bytes.Buffer
	if err := jpeg.Encode(&j, noise, &jpeg.Options{Quality: 95}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(j.Len()))
	for b.Loop() {
		if _, err := Scan(bytes.NewReader(j.Bytes()), JPEG); err != nil {
			b.Fatal(err)
		}
	}
}
