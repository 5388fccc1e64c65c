package archive

import (
	"time"

	"plenum/storage/dump"
)

// Kinds of frames; see the package comment.
const (
	frameHeader = 'h'
	frameFile   = 'f'
	frameRows   = 'r'
	frameBlob   = 'b'
	frameData   = 'd'
	frameUnread = 'x'
	frameGone   = 'g'
	frameEnd    = 'e'
)

// Why a blob is not there.
const (
	goneDeleted = 'd' // since the moment of the backup
	goneLost    = 'l' // though the database has it
)

// Names of the small files.
const (
	formSigningKey = "signing.key"
	formMediaKey   = "media.key"
	formSettings   = "settings.toml"
)

const (
	batchSize = 1 << 20   // bytes of rows that are compressed, and stored, together
	blobPart  = 256 << 10 // bytes of a blob in one frame
	maxFile   = 1 << 20   // bytes of a small file
	maxFiles  = 16
)

// Header is what a backup says of itself at its beginning.
type Header struct {
	Server    string      `json:"server_name"`
	Program   string      `json:"program"` // version
	MadeMS    int64       `json:"made"`
	Throwaway bool        `json:"throwaway,omitempty"`
	Schema    dump.Schema `json:"schema"`
}

// Made is when the backup was begun.
func (h Header) Made() time.Time { return time.UnixMilli(h.MadeMS) }

// trailer is the frame at the end.
type trailer struct {
	Tables []dump.Digest `json:"tables"` // as in the schema
	Media  Media         `json:"media"`
	SHA256 string        `json:"sha256"` // of everything before
}

// Media counts the blobs of a backup.
type Media struct {
	Blobs   int64 `json:"blobs"` // that are in it whole
	Bytes   int64 `json:"bytes"` // of these
	Deleted int64 `json:"deleted"`
	Lost    int64 `json:"lost"` // were not on the disk, or could not be read
}

// Summary is what there is in a backup.
type Summary struct {
	Header
	Rows  map[string]int64 // by table
	Media Media
	Bytes int64 // before encryption
}

// newSummary counts the rows by table.
func newSummary(h Header, end trailer, size int64) Summary {
	s := Summary{Header: h, Rows: make(map[string]int64, len(end.Tables)), Media: end.Media, Bytes: size}
	for i, d := range end.Tables {
		s.Rows[h.Schema.Tables[i].Name] = d.Rows
	}
	return s
}
