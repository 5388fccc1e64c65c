package xmatrix_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"plenum/homeserver/peers/xmatrix"
)

var signature = bytes.Repeat([]byte{7}, ed25519.SignatureSize)

const text = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw"

func TestSigningBytes(t *testing.T) {
	t.Parallel()
	r := xmatrix.Request{Method: "GET", URI: "/_matrix/federation/v1/event/$a?x=1&y=<2>", Origin: "one.example", Destination: "two.example:8448"}
	got, err := r.SigningBytes()
	const plain = `"destination":"two.example:8448","method":"GET","origin":"one.example","uri":"/_matrix/federation/v1/event/$a?x=1&y=<2>"}`
	if err != nil || string(got) != "{"+plain {
		t.Errorf("%s, %v", got, err)
	}
	r.Content = []byte("{ \"b\": 1, \"a\" : \"\\u00e9\" }")
	got, err = r.SigningBytes()
	if err != nil || string(got) != `{"content":{"a":"é","b":1},`+plain {
		t.Errorf("%s, %v", got, err)
	}
	r.Content = []byte("{")
	if _, err := r.SigningBytes(); err == nil {
		t.Error("signed what is not JSON")
	}
}

func TestHeadersAsServersWriteThem(t *testing.T) {
	t.Parallel()
	want := xmatrix.Header{Origin: "one.example:8448", Destination: "two.example", Key: "ed25519:a_1", Signature: signature}
	for _, header := range []string{
		want.String(),
		`X-Matrix origin="one.example:8448",destination="two.example",key="ed25519:a_1",sig="` + text + `"`,
		`X-Matrix origin=one.example:8448,destination=two.example,key="ed25519:a_1",sig="` + text + `"`,
		`x-matrix   sig="` + text + `==" , KEY = "ed25519:a_1",,	Origin=one.example:8448 , x="unknown, \"quoted\"", destination="two\.example"`,
	} {
		got, err := xmatrix.Parse(header)
		if err != nil || got.String() != want.String() {
			t.Errorf("%s: %+v, %v", header, got, err)
		}
	}
	old, err := xmatrix.Parse(`X-Matrix origin=one.example,key="ed25519:a",sig="` + text + `"`)
	if err != nil || old.Destination != "" {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	sig := `,sig="` + text + `"`
	for _, header := range []string{
		`X-Matrix `, `X-Matrix origin=a`, `X-Matrix origin=a,key=k`, `X-Matrix key=k` + sig, `X-Matrix origin="a,key=k` + sig,
		`X-Matrix origin=a,origin=b,key=k` + sig, `X-Matrix origin="",key=k` + sig, `X-Matrix origin=a key=k` + sig, `X-Matrix =a,key=k` + sig,
		`X-Matrix origin=a,key=k,sig="AAAA"`, `X-Matrix origin=a,key=k,sig="!"`, `X-Matrix origin=a,key=k,sig="\`,
		`X-Matrix origin=a,key=k` + sig + strings.Repeat(" ", 2048),
	} {
		if got, err := xmatrix.Parse(header); err == nil {
			t.Errorf("%s: %+v", header, got)
		}
	}
	for _, header := range []string{"", "Bearer abc", "X-Matrix", "X-Matrixorigin=a"} {
		if _, err := xmatrix.Parse(header); !errors.Is(err, xmatrix.ErrScheme) {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`X-Matrix origin="one.example",destination="two.example",key="ed25519:a",sig="` + text + `"`)
	f.Add(`X-Matrix origin=a , key = b,,sig="\"`)
	f.Add(`x-matrix a="b\\c",d=e`)
	f.Fuzz(func(t *testing.T, header string) {
		h, err := xmatrix.Parse(header)
		if err != nil {
			return
		}
		again, err := xmatrix.Parse(h.String())
		if err != nil || again.String() != h.String() {
			t.Errorf("%q becomes %q: %v", header, h.String(), err)
		}
	})
}
