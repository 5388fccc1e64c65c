package preview

import (
	"bytes"
	"encoding/json"
	"net/url"
)

// Read returns what a page says.
func Read(page []byte, contentType string) []byte {
	p := readPage(bytes.NewReader(page), contentType, &url.URL{Scheme: "https", Host: "one.example"})
	p.embed(page)
	_, _ = p.image(), p.embedded()
	raw, err := json.Marshal(p.graph())
	if err != nil {
		panic(err)
	}
	return raw
}
