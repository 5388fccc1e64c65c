package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// browser is as much of a browser as the pages need.
type browser struct {
	http *http.Client
	at   *url.URL
	page string
	left string // where the server has sent the browser, outside of it
}

func newBrowser() (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{}
	b.http = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b, nil
}

func (b *browser) open(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return b.do(r)
}

var hidden = regexp.MustCompile(`name="form" value="([^"]+)"`)

// submit sends the form of the page to the page itself.
func (b *browser) submit(ctx context.Context, values url.Values) error {
	token := hidden.FindStringSubmatch(b.page)
	if token == nil {
		return fmt.Errorf("%s has no form:\n%s", b.at, b.page)
	}
	values.Set("form", token[1])
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.at.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func (b *browser) do(r *http.Request) error {
	resp, err := b.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: status %d with\n%s", r.URL, resp.StatusCode, text)
	}
	b.at, b.page, b.left = resp.Request.URL, string(text), resp.Header.Get("Location")
	return nil
}
