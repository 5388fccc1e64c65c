// Package picture knows the containers of JPEG, PNG, GIF and WebP images: it
// measures them, drops what they say about people and places, and makes
// thumbnails.
//
// Images carry where and when they were taken, with which device, by whom, and
// what the author cut away. Scan walks a container without decoding pixels and
// notes which parts of it to keep; WriteClean copies those. The image data is
// copied bit for bit. What is kept is listed, so that a kind of metadata that
// nobody thought of is dropped: what decoding needs, colour profiles,
// animation and, in an EXIF block of its own, the orientation.
//
// No maintained library does this for all four formats without reading the
// whole file into memory; the walkers are fuzzed instead.
package picture
