package preview

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"golang.org/x/net/html"
)

const maxEmbedded = 64 << 10 // bytes of a description by oEmbed

// embedded returns where the page is described by oEmbed, "" when it
// describes itself.
func (p *page) embedded() string {
	if p.meta["og:title"] != "" {
		return ""
	}
	return p.resolve(p.links["application/json+oembed"])
}

// addEmbedded adds to a page what is said about it by oEmbed (oembed.com).
func (p *Previews) addEmbedded(ctx context.Context, pg *page, address string) {
	f, err := p.fetch.get(ctx, address, acceptJSON)
	if err != nil {
		return
	}
	defer f.Close()
	raw, err := io.ReadAll(f.whole(maxEmbedded))
	if err == nil {
		pg.embed(raw)
	}
}

// embed adds what a description says that the page itself does not.
func (p *page) embed(raw []byte) {
	var said struct {
		Type, Title, URL, HTML string
		Author                 string `json:"author_name"`
		Provider               string `json:"provider_name"`
		Thumbnail              string `json:"thumbnail_url"`
	}
	if json.Unmarshal(raw, &said) != nil {
		return
	}
	if said.Type == "photo" {
		said.Thumbnail = said.URL
	}
	text := ""
	if said.Type == "rich" {
		text = plain(said.HTML)
	}
	for _, one := range []struct{ name, value string }{
		{"og:title", said.Title}, {"og:title", said.Author}, {"og:site_name", said.Provider},
		{"og:description", text}, {"og:image", said.Thumbnail},
	} {
		p.addMeta(map[string]string{"property": one.name, "content": one.value})
	}
}

// plain is the text of a piece of HTML.
func plain(piece string) string {
	var text strings.Builder
	for tokens := html.NewTokenizer(strings.NewReader(piece)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return clean(text.String(), maxText)
		case html.TextToken:
			text.Write(tokens.Text())
		case html.StartTagToken:
			text.WriteByte(' ')
			if name, _ := tokens.TagName(); string(name) == "script" || string(name) == "style" {
				tokens.Next() // its text
			}
		}
	}
}
