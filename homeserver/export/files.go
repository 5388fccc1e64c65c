package export

import (
	"archive/zip"
	"context"
	"io"
	"time"

	"plenum/homeserver/media"
)

type fileEntry struct {
	File        string `json:"file"` // in the archive
	URI         string `json:"address"`
	ContentType string `json:"content_type"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"bytes"`
	Uploaded    string `json:"uploaded"`
}

// files writes what the account has uploaded. Files of encrypted rooms are in
// it as they came: only who has the key from the message can read them.
func (p *packer) files(ctx context.Context) error {
	list := []fileEntry{}
	err := p.e.Media.Own(ctx, p.user, func(own media.OwnFile, f *media.File) error {
		name := "files/" + safe(own.URI.FileID)
		if own.Filename != "" {
			name += "-" + safe(own.Filename)
		}
		list = append(list, fileEntry{name, own.URI.String(), own.ContentType, own.Filename, own.Size, own.Uploaded.UTC().Format(time.RFC3339)})
		w, err := p.create(name, own.Uploaded.UTC(), zip.Store) // pictures do not get smaller
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		return err
	}
	p.page.Files = len(list)
	return p.json("files.json", "What you have uploaded, in the folder files", list)
}
