package picture

import (
	"image"
	"math"
)

// Size is what a thumbnail is asked to be, in pixels after orientation.
type Size struct {
	Width, Height int
	Crop          bool // fill the size and cut off the rest, else fit into it
}

// Holds reports whether the image is no larger than s, so that a thumbnail
// would not be smaller.
func (s Size) Holds(i Info) bool {
	s = s.stored(i)
	return i.Width <= s.Width && i.Height <= s.Height
}

// stored returns s as seen by the pixels as stored.
func (s Size) stored(i Info) Size {
	if i.Orientation >= 5 {
		s.Width, s.Height = s.Height, s.Width
	}
	return s
}

// plan returns which part of an image of the given size to use, and how large
// the result is. It never enlarges.
func (s Size) plan(width, height int) (part image.Rectangle, to image.Point) {
	part = image.Rect(0, 0, width, height)
	if width <= s.Width && height <= s.Height {
		return part, part.Size()
	}
	if !s.Crop {
		by := min(float64(s.Width)/float64(width), float64(s.Height)/float64(height))
		return part, image.Pt(scale(width, by), scale(height, by))
	}
	w, h := width, height
	if aspect := float64(s.Width) / float64(s.Height); float64(width) > aspect*float64(height) {
		w = scale(height, aspect)
	} else {
		h = scale(width, 1/aspect)
	}
	w, h = min(w, width), min(h, height)
	part = image.Rect(0, 0, w, h).Add(image.Pt((width-w)/2, (height-h)/2))
	if w < s.Width || h < s.Height {
		return part, part.Size()
	}
	return part, image.Pt(s.Width, s.Height)
}

func scale(n int, by float64) int {
	return max(1, int(math.Round(float64(n)*by)))
}
