package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"golang.org/x/image/webp"
)

func clean(t testing.TB, file []byte) (Info, []byte) {
	t.Helper()
	info, err := Scan(bytes.NewReader(file), Sniff(file))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := info.WriteClean(&out, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	return info, out.Bytes()
}

func decode(t testing.TB, file []byte) image.Image {
	t.Helper()
	decoders := map[Format]func(io.Reader) (image.Image, error){JPEG: jpeg.Decode, PNG: png.Decode, GIF: gif.Decode, WebP: webp.Decode}
	img, err := decoders[Sniff(file)](bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func samePixels(t testing.TB, a, b image.Image) {
	t.Helper()
	if a.Bounds() != b.Bounds() {
		t.Fatalf("bounds %v and %v", a.Bounds(), b.Bounds())
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			r, g, bl, al := a.At(x, y).RGBA()
			r2, g2, bl2, al2 := b.At(x, y).RGBA()
			if r != r2 || g != g2 || bl != bl2 || al != al2 {
				t.Fatalf("pixel %d,%d differs", x, y)
			}
		}
	}
}

// icc is a colour profile segment; decoders do not look into it.
func icc() []byte { return segment(markAPP2, "ICC_PROFILE\x00\x01\x01colours") }

func dirtyImages(t testing.TB) map[string][]byte {
	jfifWithThumbnail := segment(markAPP0, "JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x01\x01"+secret[:3])
	still := makeVP8L(6, 4, color.NRGBA{R: 200, A: 255})
	red, green := color.NRGBA{R: 255, A: 255}, color.NRGBA{G: 255, A: 128}
	return map[string][]byte{
		"jpeg": append(makeJPEG(t, 40, 30,
			jfifWithThumbnail,
			segment(markAPP1, exifPrefix+exif(binary.BigEndian, 6)),
			segment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secret),
			segment(markAPP1, exifPrefix+exif(binary.LittleEndian, 3)), // a second one counts for nothing
			icc(),
			segment(markAPP2, "MPF\x00"+secret),
			segment(0xED, "Photoshop 3.0\x00"+secret),
			segment(0xEB, "JP"+secret),
			[]byte{0xFF, 0xFF}[:1], // a fill byte
			segment(0xFE, secret),
		), secret+"ftypmp42"...),
		"png": append(makePNG(t, quarters(40, 30),
			pngChunk("gAMA", "\x00\x00\xb1\x8f"),
			pngChunk("tEXt", "Author\x00"+secret),
			pngChunk("zTXt", "Comment\x00\x00"+secret),
			pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret),
			pngChunk("eXIf", exif(binary.LittleEndian, 8)),
			pngChunk("eXIf", exif(binary.LittleEndian, 8)),
			pngChunk("tIME", "\x07\xe8\x01\x01\x01\x01\x01"),
			pngChunk("caBX", secret),
		), secret...),
		"gif": append(withGIF(makeGIF(t, 8, 6, color.White, color.Black),
			"\x21\xFE\x17"+secret+"\x00",
			"\x21\xFF\x0bXMP DataXMP<xmp>"[:14]+"\x17"+secret+"\x00",
			"\x21\xEE\x17"+secret+"\x00",
		), secret...),
		"webp still": append(makeWebP(webpHeader(webpEXIF|webpXMP|webpAlpha, 6, 4),
			webpChunk("ICCP", "colours"), webpChunk("VP8L", still),
			webpChunk("EXIF", exif(binary.BigEndian, 5)), webpChunk("XMP ", secret), webpChunk("8 VP", secret)), secret...),
		"webp simple": makeWebP(webpChunk("VP8L", still), webpChunk("EXIF", exif(binary.BigEndian, 5))),
		"webp animated": makeWebP(webpHeader(webpAnimation|webpXMP|webpAlpha, 10, 8), webpChunk("ANIM", "\x00\x00\x00\x00\x00\x00"),
			anmf(2, 4, 6, 4, webpChunk("VP8L", makeVP8L(6, 4, red))), anmf(0, 0, 10, 8, webpChunk("VP8L", makeVP8L(10, 8, green))),
			webpChunk("XMP ", secret)),
	}
}

func TestMetadataIsDropped(t *testing.T) {
	t.Parallel()
	orientations := map[string]int{"jpeg": 6, "png": 8, "webp still": 5}
	frames := map[string]int{"gif": 2, "webp animated": 2}
	for name, file := range dirtyImages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info, cleaned := clean(t, file)
			if !info.Dirty {
				t.Error("nothing was found to drop")
			}
			if bytes.Contains(cleaned, []byte(secret[:3])) || bytes.Contains(cleaned, []byte("XMP")) {
				t.Errorf("still there: %q", cleaned)
			}
			if want := max(1, orientations[name]); info.Orientation != want {
				t.Errorf("orientation %d, want %d", info.Orientation, want)
			}
			if want := max(1, frames[name]); info.Frames != want {
				t.Errorf("%d frames, want %d", info.Frames, want)
			}
			again, twice := clean(t, cleaned)
			if again.Dirty || !bytes.Equal(cleaned, twice) {
				t.Error("cleaning a clean image changes it")
			}
			if again.Orientation != info.Orientation || again.Width != info.Width || again.Height != info.Height || again.Frames != info.Frames {
				t.Errorf("cleaned image is %+v, was %+v", again, info)
			}
			if name != "webp animated" { // the decoder has no animations
				samePixels(t, decode(t, file), decode(t, cleaned))
			}
		})
	}
}

func TestColoursAndLoopsStay(t *testing.T) {
	t.Parallel()
	images := dirtyImages(t)
	for name, want := range map[string]string{"jpeg": "ICC_PROFILE", "png": "gAMA", "gif": "NETSCAPE2.0", "webp still": "ICCP\x07\x00\x00\x00colours"} {
		if _, cleaned := clean(t, images[name]); !bytes.Contains(cleaned, []byte(want)) {
			t.Errorf("%s: %q is gone", name, want)
		}
	}
}

func TestCleanImagesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	images := map[string][]byte{
		"jpeg":          makeJPEG(t, 33, 21, icc()),
		"png":           makePNG(t, quarters(33, 21)),
		"gif":           makeGIF(t, 3, 3, color.White),
		"webp":          makeWebP(webpChunk("VP8L", makeVP8L(3, 3, color.NRGBA{A: 255}))),
		"jpeg cut off":  makeJPEG(t, 64, 64)[:680],
		"gif, open end": bytes.TrimSuffix(makeGIF(t, 3, 3, color.White), []byte{gifTrailer}),
	}
	for name, file := range images {
		info, cleaned := clean(t, file)
		if info.Dirty || !bytes.Equal(file, cleaned) {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestBrokenImagesAreRefused(t *testing.T) {
	t.Parallel()
	j, p, g := makeJPEG(t, 40, 30), makePNG(t, quarters(40, 30)), makeGIF(t, 3, 3, color.White)
	w := makeWebP(webpHeader(0, 6, 4), webpChunk("VP8L", makeVP8L(6, 4, color.NRGBA{})))
	cases := map[string][]byte{
		"jpeg, headers only":       j[:100],
		"jpeg, no length":          append(bytes.Clone(j[:2]), 0xFF, 0xE1, 0, 1),
		"jpeg, garbage":            append(bytes.Clone(j[:2]), j[3:]...),
		"jpeg, no frame":           append(bytes.Clone(j[:2]), 0xFF, 0xDA, 0, 2, 1, 2, 3),
		"jpeg, two frames":         makeJPEG(t, 8, 8, segment(markSOF0, "\x08\x00\x08\x00\x08\x01\x01\x11\x00")),
		"jpeg, nothing":            j[:3],
		"png, cut off":             p[:len(p)-20],
		"png, no header":           append(bytes.Clone(p[:8]), p[33:]...),
		"png, header twice":        append(bytes.Clone(p[:33]), p[8:]...),
		"png, no size":             append(append(bytes.Clone(p[:16]), 0, 0, 0, 0), p[20:]...),
		"png, no data":             append(bytes.Clone(p[:33]), pngChunk("IEND", "")...),
		"png, odd chunk":           append(append(bytes.Clone(p[:33]), pngChunk("a\nbc", "")...), p[33:]...),
		"gif, cut off":             g[:len(g)-3],
		"gif, no frames":           append(bytes.Clone(g[:13]), gifTrailer),
		"gif, odd block":           append(bytes.Clone(g[:len(g)-1]), 7),
		"webp, cut off":            w[:len(w)-4],
		"webp, too long a chunk":   append(binary.LittleEndian.AppendUint32([]byte("RIFF"), 20), w[8:]...),
		"webp, no data":            makeWebP(webpHeader(0, 6, 4)),
		"webp, small canvas":       makeWebP(webpHeader(0, 1, 1), webpChunk("VP8L", makeVP8L(6000, 6000, color.NRGBA{}))),
		"webp, frame off canvas":   makeWebP(webpHeader(2, 4, 4), anmf(2, 0, 4, 4, webpChunk("VP8L", makeVP8L(4, 4, color.NRGBA{})))),
		"webp, frame without head": makeWebP(anmf(0, 0, 4, 4, webpChunk("VP8L", makeVP8L(4, 4, color.NRGBA{})))),
	}
	for name, file := range cases {
		if _, err := Scan(bytes.NewReader(file), Sniff(file)); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, want ErrBroken", name, err)
		}
	}
	if _, err := Scan(strings.NewReader("text"), Sniff([]byte("text"))); !errors.Is(err, ErrBroken) {
		t.Errorf("no image: %v", err)
	}
}

func TestManyPartsAreRefused(t *testing.T) {
	t.Parallel()
	pair := append(pngChunk("tEXt", ""), pngChunk("bKGD", "")...)
	file := makePNG(t, quarters(2, 2), bytes.Repeat(pair, maxPieces))
	if _, err := Scan(bytes.NewReader(file), PNG); !errors.Is(err, ErrBroken) {
		t.Errorf("%v, want ErrBroken", err)
	}
}

func TestReaderFaultsAreNotBrokenImages(t *testing.T) {
	t.Parallel()
	fault := errors.New("disk")
	for name, file := range dirtyImages(t) {
		for _, cut := range []int{13, 20, len(file) / 2} {
			r := io.MultiReader(bytes.NewReader(file[:cut]), faulty{fault})
			if _, err := Scan(r, Sniff(file)); !errors.Is(err, fault) || errors.Is(err, ErrBroken) {
				t.Errorf("%s at %d: %v, want the reader's fault", name, cut, err)
			}
		}
	}
}

type faulty struct{ err error }

func (f faulty) Read([]byte) (int, error) { return 0, f.err }

func TestSniff(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]Format{
		"": "", "\xff\xd8": "", "\xff\xd8\xff\xe0": JPEG, pngSignature: PNG, "GIF89a": GIF, "GIF90a": "",
		"RIFF....WEBP": WebP, "RIFF....WAVE": "", "<svg xmlns=": "", "%PDF-1.7": "",
	} {
		if got := Sniff([]byte(head)); got != want {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, file := range dirtyImages(f) {
		f.Add(file)
	}
	f.Add(makeJPEG(f, 9, 9, segment(markAPP1, exifPrefix+string(orientationOnly(3)))))
	f.Add(makePNG(f, quarters(9, 9), pngChunk("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00")))
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := Scan(bytes.NewReader(file), Sniff(file))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := info.WriteClean(&out, bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		if !info.Dirty && !bytes.Equal(out.Bytes(), file) {
			t.Fatal("called clean, but changed")
		}
		again, err := Scan(bytes.NewReader(out.Bytes()), Sniff(out.Bytes()))
		if err != nil {
			t.Fatalf("not an image after cleaning: %v", err)
		}
		if again.Dirty || again.Width != info.Width || again.Height != info.Height || again.Orientation != info.Orientation {
			t.Fatalf("cleaned once %+v, twice %+v", info, again)
		}
		_, _, _ = info.Thumbnail(bytes.NewReader(file), Size{32, 32, false}, Limits{Pixels: 1 << 16})
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte(exif(binary.BigEndian, 6)))
	f.Add([]byte(exifPrefix + exif(binary.LittleEndian, 9)))
	f.Add(orientationOnly(8))
	f.Fuzz(func(t *testing.T, tiff []byte) {
		if o := orientation(tiff); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
