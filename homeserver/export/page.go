package export

import (
	"archive/zip"
	"context"
	_ "embed"
	"html/template"
	"time"

	"maunium.net/go/mautrix/id"
)

//go:embed index.html
var indexText string

// page is what index.html shows.
type page struct {
	User  id.UserID
	Made  time.Time
	Parts []link
	Rooms []roomLink
	Files int
}

type link struct{ File, About string }

type roomLink struct {
	link
	Name, Membership string
	Sent             int
}

// index writes the page that says what is where.
func (p *packer) index(context.Context) error {
	t, err := template.New("index").Parse(indexText)
	if err != nil {
		return err
	}
	w, err := p.create("index.html", p.made, zip.Deflate)
	if err != nil {
		return err
	}
	return t.Execute(w, p.page)
}
