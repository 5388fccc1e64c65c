package session

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
)

// maxForm is how many bytes a form may send.
const maxForm = 8 << 10

//go:embed pages.html
var pagesText string

//go:embed pages.css
var style string

//go:embed done.js
var doneScript string

//go:embed login.js
var loginScript string

// pages are the templates by name. Style and scripts are ours, so they are no
// foreign text.
var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(style) },
	"done":  func() template.JS { return template.JS(doneScript) },
	"login": func() template.JS { return template.JS(loginScript) },
}).Parse(pagesText))

// policy lets a page use its own style and scripts, and speak to this server,
// and nothing else.
var policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; connect-src 'self'" +
	"; style-src 'sha256-" + hashOf(style) + "'; script-src 'sha256-" + hashOf(doneScript) + "' 'sha256-" + hashOf(loginScript) + "'"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page answers with a page.
func page(w http.ResponseWriter, status int, name string, said words, data any) error {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", said.Lang)
	h.Set("Vary", "Accept-Language")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer") // the address holds the session
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write(text.Bytes())
	return err
}
