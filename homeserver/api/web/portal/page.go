package portal

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"

	"maunium.net/go/mautrix/id"
)

//go:embed pages.html
var pagesText string

//go:embed style.css
var style string

// pages are the templates by name. The style is ours, so it is no foreign text.
var pages = template.Must(template.New("pages").
	Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }}).
	Parse(pagesText))

// view is what a page shows.
type view struct {
	Said    words
	Title   string
	Lead    string // what stands before the name of the server below the title; empty: neither does
	Lang    string
	Others  []other // the page in other languages
	Server  string
	User    id.UserID
	Form    string // token of guard.go
	Problem string
	Typed   string // what was typed before, where it may be shown
	Data    any

	target string // where a form may lead besides this server
}

// other is a page in another language.
type other struct{ Lang, Name, Address string }

// page answers with a page.
func (v *visit) page(status int, name string, data view) error {
	data.Said, data.Lang, data.Server, data.User, data.Form = v.said, v.said.Lang, v.api.name, v.user, v.formToken()
	data.Others = v.others()
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, data); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.said.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", policy(data.target))
	h.Set("X-Frame-Options", "DENY")        // for browsers that do not know the policy
	h.Set("Referrer-Policy", "same-origin") // no-referrer would hide from us where a form comes from
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	h.Del("Access-Control-Allow-Origin") // pages are for people
	v.w.WriteHeader(status)
	_, err := v.w.Write(text.Bytes())
	return err
}

// others lists this page in the other languages.
func (v *visit) others() []other {
	var all []other
	for _, l := range languages {
		if l.Lang == v.said.Lang {
			continue
		}
		q := v.r.URL.Query()
		q.Set("lang", l.Lang)
		all = append(all, other{l.Lang, l.Own, v.r.URL.Path + "?" + q.Encode()})
	}
	return all
}

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

// policy lets a page use its own style and send its form here, and nothing
// else. Where sending a form leads to another address in the end, that must be
// named, too: target is such an address.
func policy(target string) string {
	allowed := "'self'"
	if source := sourceOf(target); source != "" {
		allowed += " " + source
	}
	return "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action " + allowed + "; style-src 'sha256-" + styleHash + "'"
}

// sourceOf returns how a policy names the address of a program: its host, or
// the scheme alone where it has none that can be named.
func sourceOf(address string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil || u.Scheme == "" {
		return ""
	}
	host := u.Host
	for i := range len(host) {
		if c := host[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':' {
			host = "" // an IPv6 address, or nothing that a policy may hold
			break
		}
	}
	if u.Scheme != "https" && u.Scheme != "http" || host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + host
}

// gone is the page for an address that leads nowhere.
func (v *visit) gone(status int) error {
	return v.page(status, "gone", view{Title: v.said.GoneTitle})
}

// done says that something was done.
func (v *visit) done(title, text string) error {
	return v.page(http.StatusOK, "done", view{Title: title, Data: text})
}
