package event

import "bytes"

const hexDigits = "0123456789abcdef"

// appendString writes s as a JSON string with the shortest escapes.
//
// Spec: appendices#canonical-json
func appendString[T ~string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		dst = appendEscape(dst, c)
	}
	return append(append(dst, s[start:]...), '"')
}

// appendEscape writes one byte that cannot stand in a string as it is.
func appendEscape(dst []byte, c byte) []byte {
	const plain, short = "\"\\\b\f\n\r\t", `"\bfnrt`
	if i := bytes.IndexByte([]byte(plain), c); i >= 0 {
		return append(dst, '\\', short[i])
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
