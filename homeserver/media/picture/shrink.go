package picture

import (
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"
)

// shrink scales a part of an image down to a size. It first averages whole
// squares of pixels, which is quick, needs little memory, and leaves less
// than a factor of two to the finer filter.
func shrink(src image.Image, part image.Rectangle, to image.Point) *image.RGBA {
	part = part.Add(src.Bounds().Min)
	factor := min(maxFactor, max(1, min(part.Dx()/to.X, part.Dy()/to.Y)))
	small := average(src, part, factor)
	if small.Rect.Size() == to {
		return small
	}
	dst := image.NewRGBA(image.Rectangle{Max: to})
	var filter xdraw.Scaler = xdraw.CatmullRom
	if to.X*small.Rect.Dy() > maxFiltered {
		filter = xdraw.ApproxBiLinear
	}
	filter.Scale(dst, dst.Rect, small, small.Rect, xdraw.Src, nil)
	return dst
}

const (
	maxFactor   = 4096    // so that the sums of average cannot overflow
	maxFiltered = 1 << 20 // CatmullRom takes 32 bytes for each pixel in between
)

// average makes one pixel of each square of factor by factor pixels. A rest
// at the right and lower edge that fills no square is spread by taking the
// squares from the middle.
func average(src image.Image, part image.Rectangle, factor int) *image.RGBA {
	size := image.Pt(part.Dx()/factor, part.Dy()/factor)
	dst := image.NewRGBA(image.Rectangle{Max: size})
	from := part.Min.Add(image.Pt(part.Dx()%factor/2, part.Dy()%factor/2))
	if factor == 1 {
		draw.Draw(dst, dst.Rect, src, from, draw.Src)
		return dst
	}
	row := image.NewRGBA(image.Rect(0, 0, size.X*factor, 1))
	sums := make([]uint32, 4*size.X)
	for y := range size.Y {
		clear(sums)
		for i := range factor {
			draw.Draw(row, row.Rect, src, from.Add(image.Pt(0, y*factor+i)), draw.Src)
			addRow(sums, row.Pix, factor)
		}
		out := dst.Pix[y*dst.Stride:][:4*size.X]
		area := uint32(factor * factor)
		for i, sum := range sums {
			out[i] = uint8((sum + area/2) / area)
		}
	}
	return dst
}

// addRow adds each run of factor pixels to its sum.
func addRow(sums []uint32, row []byte, factor int) {
	for i := 0; i < len(sums); i += 4 {
		var r, g, b, a uint32
		for range factor {
			r += uint32(row[0])
			g += uint32(row[1])
			b += uint32(row[2])
			a += uint32(row[3])
			row = row[4:]
		}
		sums[i] += r
		sums[i+1] += g
		sums[i+2] += b
		sums[i+3] += a
	}
}

// turn applies an EXIF orientation.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	size := image.Pt(w, h)
	if orientation >= 5 {
		size = image.Pt(h, w)
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			from := origin(orientation, x, y, w, h)
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(from.X, from.Y):][:4])
		}
	}
	return dst
}

// origin returns which pixel of a w by h image as stored is shown at x, y.
func origin(orientation, x, y, w, h int) image.Point {
	switch orientation {
	case 2: // mirrored
		return image.Pt(w-1-x, y)
	case 3: // upside down
		return image.Pt(w-1-x, h-1-y)
	case 4: // mirrored upside down
		return image.Pt(x, h-1-y)
	case 5: // mirrored, lying on its left side
		return image.Pt(y, x)
	case 6: // to be turned clockwise
		return image.Pt(y, h-1-x)
	case 7: // mirrored, lying on its right side
		return image.Pt(w-1-y, h-1-x)
	case 8: // to be turned anticlockwise
		return image.Pt(w-1-y, x)
	}
	return image.Pt(x, y)
}
