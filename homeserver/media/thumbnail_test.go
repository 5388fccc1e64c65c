package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// photo is an image with its place in the EXIF data.
func photo(t testing.TB, width, height, orientation int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 64)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
	exif = append(exif, byte(orientation), 0, 0, 0, 0, 0, 0)
	exif = append(exif, "N 52 E 13"...)
	segment := append(binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(exif)+2)), exif...)
	return bytes.Join([][]byte{b.Bytes()[:2], segment, b.Bytes()[2:]}, nil)
}

func TestImagesLoseTheirMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	original := photo(t, 64, 48, 6)
	for _, said := range []string{"image/jpeg", "", "application/octet-stream", "text/plain"} {
		_, got := w.download(t, w.upload(t, ada, original, said, ""))
		if bytes.Contains(got, []byte("N 52")) || !bytes.Contains(got, []byte("Exif")) {
			t.Errorf("called %q: the place is there, or the orientation is not", said)
		}
		if _, err := jpeg.Decode(bytes.NewReader(got)); err != nil {
			t.Error(err)
		}
	}
	if usage, _ := w.Usage(t.Context(), ada); usage.Bytes >= 4*int64(len(original)) {
		t.Errorf("%d bytes counted for what was dropped", usage.Bytes)
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files on the disk, want 1", n)
	}

	w.restart(t, Options{KeepMetadata: true})
	if _, got := w.download(t, w.upload(t, ada, original, "image/jpeg", "")); !bytes.Equal(got, original) {
		t.Error("changed though metadata is to be kept")
	}
}

func TestBrokenImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	broken := append([]byte("\xff\xd8\xff\xe1\x00\x20Exif N 52"), noise(50)...)
	for _, said := range []string{"image/jpeg", "IMAGE/png", ""} {
		_, err := w.Upload(t.Context(), user(ada), file(broken, said, ""))
		wantCode(t, err, matrix.Unknown, 400)
	}
	// Encrypted files are anything; one in sixteen million begins like this.
	if _, got := w.download(t, w.upload(t, ada, broken, "application/octet-stream", "")); !bytes.Equal(got, broken) {
		t.Error("an encrypted file was changed")
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files on the disk, want 1", n)
	}
}

func animation(t testing.TB, width, height, frames int) []byte {
	t.Helper()
	var g gif.GIF
	for i := range frames {
		palette := color.Palette{color.RGBA{R: uint8(200 - i), A: 255}, color.Black}
		g.Image, g.Delay = append(g.Image, image.NewPaletted(image.Rect(0, 0, width, height), palette)), append(g.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) thumbnail(t testing.TB, req ThumbnailRequest) (*File, image.Config, []byte) {
	t.Helper()
	f, err := w.Thumbnail(t.Context(), req)
	f, content := read(t, f, err)
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if f.ContentType != "image/"+format || f.Filename != "thumbnail."+format {
		t.Errorf("a %s called %s, %s", format, f.ContentType, f.Filename)
	}
	return f, config, content
}

func want(uri id.ContentURI, width, height int, crop bool) ThumbnailRequest {
	return ThumbnailRequest{Request: Request{URI: uri}, Width: width, Height: height, Crop: crop}
}

func TestThumbnails(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		uri := w.upload(t, ada, photo(t, 2000, 1000, 6), "image/jpeg", "holiday.jpg") // shown 1000 wide, 2000 high
		for _, c := range []struct {
			req  ThumbnailRequest
			want image.Point
		}{
			{want(uri, 32, 32, true), image.Pt(32, 32)},
			{want(uri, 33, 40, true), image.Pt(52, 64)},
			{want(uri, 90, 90, true), image.Pt(96, 96)},
			{want(uri, 100, 100, true), image.Pt(128, 128)},
			{want(uri, 300, 200, false), image.Pt(120, 240)},
			{want(uri, 800, 600, false), image.Pt(300, 600)},
			{want(uri, 900, 1500, false), image.Pt(768, 1536)},
			{want(uri, 5000, 5000, false), image.Pt(2000, 1000)}, // the original, which says to be turned
		} {
			for range 2 { // made, then kept
				_, config, _ := w.thumbnail(t, c.req)
				if got := image.Pt(config.Width, config.Height); got != c.want {
					t.Errorf("%dx%d is %v, want %v", c.req.Width, c.req.Height, got, c.want)
				}
			}
		}
		if n := w.files(t); n != 8 {
			t.Errorf("%d files on the disk, want the original and 7 thumbnails", n)
		}
		if usage, _ := w.Usage(t.Context(), ada); usage.Files != 1 {
			t.Errorf("thumbnails count for the user: %+v", usage)
		}
		if err := w.Delete(t.Context(), uri); err != nil {
			t.Fatal(err)
		}
		if n := w.files(t); n != 0 {
			t.Errorf("%d files on the disk after deletion", n)
		}
		_, err := w.Thumbnail(t.Context(), want(uri, 32, 32, true))
		wantCode(t, err, matrix.NotFound, 404)
	})
}

func TestThumbnailTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	uri := w.upload(t, ada, photo(t, 200, 200, 1), "image/jpeg", "")
	original, _ := w.download(t, uri)
	tags := map[string]bool{original.Tag: true}
	for _, req := range []ThumbnailRequest{want(uri, 32, 32, true), want(uri, 96, 96, true), want(uri, 96, 96, false)} {
		made, _, _ := w.thumbnail(t, req)
		kept, _, _ := w.thumbnail(t, req)
		if made.Tag != kept.Tag || tags[made.Tag] {
			t.Errorf("tags %q and %q", made.Tag, kept.Tag)
		}
		tags[made.Tag] = true
	}
}

func TestSmallImagesAreTheirOwnThumbnails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	small := photo(t, 30, 20, 1)
	uri := w.upload(t, ada, small, "text/html", "x.html")
	_, original := w.download(t, uri)
	for range 2 {
		if _, _, got := w.thumbnail(t, want(uri, 32, 32, true)); !bytes.Equal(got, original) {
			t.Error("not the original")
		}
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files on the disk, want 1", n)
	}
}

func TestAnimatedThumbnails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{MaxFrames: 5, MaxAnimated: 10_000})
	frames := func(content []byte) int {
		g, err := gif.DecodeAll(bytes.NewReader(content))
		if err != nil {
			return 0
		}
		return len(g.Image)
	}
	moving := animation(t, 60, 40, 3)
	uri := w.upload(t, ada, moving, "image/gif", "")
	animated := want(uri, 32, 32, true)
	animated.Animated = true
	if _, _, got := w.thumbnail(t, animated); frames(got) != 3 {
		t.Errorf("%d frames, want 3", frames(got))
	}
	for _, req := range []ThumbnailRequest{want(uri, 32, 32, true), want(uri, 320, 240, false)} {
		for range 2 {
			if _, _, got := w.thumbnail(t, req); frames(got) > 1 {
				t.Error("an animation nobody asked for")
			}
		}
	}
	for name, content := range map[string][]byte{"many frames": animation(t, 60, 40, 6), "many bytes": append(animation(t, 60, 40, 2)[:len(animation(t, 60, 40, 2))-1], comments()...)} {
		w.restart(t, Options{MaxFrames: 5, MaxAnimated: 1000, KeepMetadata: true})
		animated.URI = w.upload(t, ada, content, "image/gif", "")
		if _, _, got := w.thumbnail(t, animated); frames(got) > 1 {
			t.Errorf("%s: still an animation", name)
		}
	}
}

// comments is the end of a GIF file that is large.
func comments() []byte {
	block := append([]byte{0x21, 0xFE, 200}, noise(200)...)
	return append(bytes.Repeat(append(block, 0), 10), 0x3B)
}

func TestThumbnailsOfWhatIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{MaxPixels: 1000 * 1000})
	ctx := t.Context()
	text := w.upload(t, ada, []byte("no image"), "image/png", "")
	_, err := w.Thumbnail(ctx, want(text, 32, 32, true))
	wantCode(t, err, matrix.Unknown, 400)

	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	bomb := b.Bytes() // four by four, called huge
	binary.BigEndian.PutUint32(bomb[16:], 50_000)
	binary.BigEndian.PutUint32(bomb[20:], 50_000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	_, err = w.Thumbnail(ctx, want(w.upload(t, ada, bomb, "image/png", ""), 32, 32, true))
	wantCode(t, err, matrix.TooLarge, 413)

	for _, req := range []ThumbnailRequest{want(text, 0, 32, true), want(text, 32, -1, false)} {
		_, err := w.Thumbnail(ctx, req)
		wantCode(t, err, matrix.InvalidParam, 400)
	}
}

func TestThumbnailsKeptAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{MaxThumbnails: 2})
	uri := w.upload(t, ada, photo(t, 500, 400, 1), "image/jpeg", "")
	for i := range 6 {
		w.thumbnail(t, want(uri, 70*(i+1), 60, true))
	}
	if n := w.files(t); n != 3 {
		t.Errorf("%d files on the disk, want the original and 2 thumbnails", n)
	}
}

func TestThumbnailIsMadeOnceForMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{Decoders: 1})
	uri := w.upload(t, ada, photo(t, 1000, 1000, 1), "image/jpeg", "")
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			f, err := w.Thumbnail(t.Context(), want(uri, 96, 96, true))
			if err != nil {
				t.Error(err)
				return
			}
			_ = f.Close()
		})
	}
	group.Wait()
	if n := w.files(t); n != 2 {
		t.Errorf("%d files on the disk, want 2", n)
	}
}
