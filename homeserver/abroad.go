package homeserver

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/account"
	"plenum/homeserver/api/client/directory"
	"plenum/homeserver/media"
	"plenum/homeserver/peers"
	"plenum/internal/matrix"
)

// What people here look up of other servers, of rooms or without any.

// remoteMedia fetches files of other servers.
type remoteMedia struct{ peers *peers.Client }

// mediaElsewhere returns nil for a server that fetches no files from others.
func (p *parts) mediaElsewhere(cfg config.Config) media.Remote {
	if p.peers == nil || !cfg.Federation.Media {
		return nil
	}
	return remoteMedia{p.peers}
}

// Fetch opens a file.
func (m remoteMedia) Fetch(ctx context.Context, uri id.ContentURI, wait time.Duration, maxSize int64) (*media.RemoteFile, error) {
	f, err := m.peers.Download(ctx, uri, wait, maxSize)
	if err != nil {
		return nil, peers.NotFound(err)
	}
	return &media.RemoteFile{Body: theirs{f}, Length: f.Length, ContentType: f.ContentType, Filename: f.Filename}, nil
}

// theirs is a file whose server is to blame when it breaks off.
type theirs struct{ io.ReadCloser }

// Read reads on.
func (t theirs) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &matrix.Error{Code: matrix.Unknown, Status: http.StatusBadGateway, Text: "The other server broke off.", Err: err}
	}
	return n, err
}

// remoteProfiles looks up profiles of people of other servers.
type remoteProfiles struct{ peers *peers.Client }

// profilesElsewhere returns nil for a server that looks up none.
func (p *parts) profilesElsewhere(cfg config.Config) account.Remote {
	if p.peers == nil || !cfg.Federation.Profiles {
		return nil
	}
	return remoteProfiles{p.peers}
}

// Profile returns a profile. Names and pictures in it are texts: clients rely
// on that.
func (r remoteProfiles) Profile(ctx context.Context, user id.UserID) (map[string]json.RawMessage, error) {
	profile, err := r.peers.QueryProfile(ctx, user, "")
	if err != nil {
		return nil, peers.NotFound(err)
	}
	for _, name := range []string{"displayname", "avatar_url"} {
		var text string
		if value, ok := profile[name]; ok && (string(value) == "null" || json.Unmarshal(value, &text) != nil) {
			delete(profile, name)
		}
	}
	return profile, nil
}

// directoriesElsewhere returns nil for a server that asks no others.
func (p *parts) directoriesElsewhere() directory.Elsewhere {
	if p.peers == nil {
		return nil
	}
	return p.peers
}
