// Package media stores files of users and serves them: uploads, downloads,
// thumbnails and the cache of other servers' media.
//
// Content passes through in pieces; no file is held in memory. It is encrypted
// on the disk and stored once however often it is uploaded (storage/blob).
// Images lose what they say about people, places and devices before they are
// stored (picture), because a homeserver hands them to people whom the sender
// has not chosen; encrypted uploads are not images to the server and stay as
// they are. The file name that a client gives stays with the media: the
// specification has downloads carry it.
package media
