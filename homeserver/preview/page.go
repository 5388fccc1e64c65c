package preview

import (
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

const (
	maxText  = 400 // letters of a description that is taken from the text
	maxValue = 800 // letters of any other
	maxTags  = 100 // that are remembered of a page
)

// page is what a page says about itself.
type page struct {
	at     *url.URL          // what its addresses are relative to
	meta   map[string]string // by name or property
	links  map[string]string // by what they are
	title  string
	header string // the first heading
	text   string // the first sentences
}

// readPage reads a page as far as it helps. A page that breaks off is as good
// as what came before.
func readPage(r io.Reader, contentType string, at *url.URL) *page {
	p := &page{at: at, meta: map[string]string{}, links: map[string]string{}}
	if utf, err := charset.NewReader(r, contentType); err == nil {
		r = utf
	}
	s := scanner{page: p, tokens: html.NewTokenizer(r)}
	for s.next() && !p.complete(s.body) {
	}
	s.end("")
	return p
}

// complete reports whether the rest of a page adds nothing.
func (p *page) complete(body bool) bool {
	described := p.meta["og:description"] != "" || utf8.RuneCountInString(p.text) >= maxText
	return body && described && (p.meta["og:title"] != "" || p.title != "")
}

// scanner goes through the tokens of a page.
type scanner struct {
	page   *page
	tokens *html.Tokenizer
	body   bool            // the head is over
	in     string          // element whose text is read; "": none
	skip   string          // element inside of which nothing counts
	buf    strings.Builder // text of in
}

func (s *scanner) next() bool {
	switch s.tokens.Next() {
	case html.ErrorToken:
		return false
	case html.TextToken:
		if s.in != "" && s.skip == "" && s.buf.Len() < 4*maxValue {
			s.buf.Write(s.tokens.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, has := s.tokens.TagName()
		s.start(string(name), has)
	case html.EndTagToken:
		name, _ := s.tokens.TagName()
		s.end(string(name))
	}
	return true
}

// start begins an element.
func (s *scanner) start(name string, has bool) {
	switch name {
	case "meta":
		s.page.addMeta(s.attributes(has))
	case "link":
		s.page.addLink(s.attributes(has))
	case "base":
		if to, err := s.page.at.Parse(s.attributes(has)["href"]); err == nil {
			s.page.at = to
		}
	case "body":
		s.body = true
	case "title", "h1", "p":
		if s.skip == "" {
			s.end(s.in) // paragraphs need not be closed
			s.in = name
		}
	case "br":
		s.buf.WriteByte(' ')
	case "script", "style", "noscript", "template", "svg", "nav", "footer", "aside", "form":
		if s.skip == "" {
			s.skip = name
		}
	}
}

// end ends an element; "" ends all.
func (s *scanner) end(name string) {
	if name == "head" {
		s.body = true
	}
	if s.skip != "" && name == s.skip {
		s.skip = ""
	}
	if s.in == "" || name != "" && name != s.in {
		return
	}
	text := clean(s.buf.String(), maxValue)
	switch {
	case s.in == "title" && s.page.title == "":
		s.page.title = text
	case s.in == "h1" && s.page.header == "":
		s.page.header = text
	case s.in == "p" && text != "":
		s.page.text = clean(s.page.text+" "+text, maxText)
	}
	s.in = ""
	s.buf.Reset()
}

// attributes reads those of the current tag.
func (s *scanner) attributes(has bool) map[string]string {
	all := map[string]string{}
	for has {
		var name, value []byte
		name, value, has = s.tokens.TagAttr()
		if _, twice := all[string(name)]; !twice {
			all[string(name)] = string(value)
		}
	}
	return all
}

// addMeta notes what a <meta> says; the first of a name counts.
func (p *page) addMeta(tag map[string]string) {
	name := tag["property"]
	if name == "" {
		name = tag["name"]
	}
	name, value := strings.ToLower(strings.TrimSpace(name)), clean(tag["content"], maxAddress)
	if _, known := p.meta[name]; name == "" || value == "" || known || len(p.meta) >= maxTags {
		return
	}
	p.meta[name] = value
}

// addLink notes a <link> that previews know.
func (p *page) addLink(tag map[string]string) {
	kind := strings.ToLower(tag["rel"])
	if kind == "alternate" {
		kind = strings.ToLower(tag["type"])
	}
	switch kind {
	case "image_src", "application/json+oembed":
		if p.links[kind] == "" {
			p.links[kind] = tag["href"]
		}
	}
}

// resolve makes an address of a page a whole one.
func (p *page) resolve(address string) string {
	if address == "" {
		return ""
	}
	u, err := p.at.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	return u.String()
}

// clean makes text one line of at most n letters.
func clean(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)
	return strings.TrimRight(string(runes[:n-1]), " ") + "…"
}
