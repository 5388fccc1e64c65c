package preview

import (
	"cmp"
	"strings"
)

// graph is a preview: properties of OpenGraph, and matrix:image:size.
type graph map[string]any

// graph returns what the page says about itself, where it says nothing what
// can be read off it, and no pictures.
func (p *page) graph() graph {
	g := graph{}
	for name, value := range p.meta {
		if kept(name) {
			g[name] = clean(value, maxValue)
		}
	}
	for name, value := range map[string]string{
		"og:title":       cmp.Or(p.meta["og:title"], p.meta["twitter:title"], p.title, p.header),
		"og:description": cmp.Or(p.meta["og:description"], p.meta["twitter:description"], p.meta["description"], p.text),
		"og:site_name":   cmp.Or(p.meta["og:site_name"], p.meta["application-name"]),
	} {
		if value != "" {
			g[name] = clean(value, maxValue)
		}
	}
	if at, is := g["og:url"].(string); is && !strings.HasPrefix(at, "https://") && !strings.HasPrefix(at, "http://") {
		delete(g, "og:url")
	}
	return g
}

// kept reports whether a property is handed on. Films and sounds are not: a
// client that played them would tell their server who looks.
func kept(name string) bool {
	rest, is := strings.CutPrefix(name, "og:")
	if !is || len(name) > 40 || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789_:") != "" {
		return false
	}
	kind, _, _ := strings.Cut(rest, ":")
	return kind != "image" && kind != "video" && kind != "audio"
}

// image returns the address of the page's picture, "" for none.
func (p *page) image() string {
	return p.resolve(cmp.Or(p.meta["og:image:secure_url"], p.meta["og:image"], p.meta["og:image:url"],
		p.meta["twitter:image"], p.meta["twitter:image:src"], p.links["image_src"]))
}
