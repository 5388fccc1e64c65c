package picture

import (
	"bytes"
	"encoding/binary"
)

const (
	exifPrefix     = "Exif\x00\x00"
	orientationTag = 0x0112
	typeShort      = 3
)

// orientation finds the orientation in EXIF data, which is a TIFF file. It
// returns 1, upright, when there is none that makes sense.
func orientation(tiff []byte) int {
	tiff = bytes.TrimPrefix(tiff, []byte(exifPrefix)) // WebP files have it or not
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	count := int(order.Uint16(tiff[at:]))
	entries := tiff[at+2:]
	for ; count > 0 && len(entries) >= 12; count-- {
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == typeShort {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// orientationOnly is EXIF data that says nothing but the orientation.
func orientationOnly(o int) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, 1) // entries
	b = binary.LittleEndian.AppendUint16(b, orientationTag)
	b = binary.LittleEndian.AppendUint16(b, typeShort)
	b = binary.LittleEndian.AppendUint32(b, 1) // values
	b = binary.LittleEndian.AppendUint32(b, uint32(o))
	return binary.LittleEndian.AppendUint32(b, 0) // no further directory
}
