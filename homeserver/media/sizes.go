package media

import "plenum/homeserver/media/picture"

// sizes lists the thumbnails that clients ask for, ascending.
//
// Spec: client-server-api#thumbnails
func sizes() []picture.Size {
	return []picture.Size{
		{Width: 32, Height: 32, Crop: true}, {Width: 96, Height: 96, Crop: true},
		{Width: 96, Height: 96}, {Width: 320, Height: 240}, {Width: 640, Height: 480}, {Width: 800, Height: 600},
	}
}

// bucket rounds a wanted size up to one that many requests share, so that an
// image has few thumbnails. A cropped one keeps the proportions that are asked
// for. The result exceeds the largest thumbnail when the wanted size does.
func (m *Media) bucket(width, height int, crop bool) picture.Size {
	for _, s := range sizes() {
		if s.Crop == crop && width <= s.Width && height <= s.Height && (!crop || width == height) {
			return s
		}
	}
	largest := m.opts.MaxThumbnail
	if long := max(width, height); long > largest {
		return picture.Size{Width: largest + 1, Height: largest + 1, Crop: crop}
	} else if crop {
		to := min(roundUp(long, 64), largest)
		return picture.Size{Width: max(1, width*to/long), Height: max(1, height*to/long), Crop: true}
	}
	return picture.Size{Width: min(roundUp(width, 256), largest), Height: min(roundUp(height, 256), largest)}
}

func roundUp(n, step int) int { return (n + step - 1) / step * step }
