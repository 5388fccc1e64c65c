package homeserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestInProcessAnswers(t *testing.T) {
	t.Parallel()
	client := http.Client{Transport: InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Path", r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(append([]byte("heard "), said...))
	}))}
	r, err := client.Post("http://anywhere/a%2Fb?c=d", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != "heard hello" || r.StatusCode != http.StatusTeapot || r.Header.Get("X-Path") != "/a%2Fb?c=d" {
		t.Errorf("%s %v %q %v", r.Status, r.Header, body, err)
	}
}

func TestInProcessEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 2)
	client := http.Client{Transport: InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		ended <- r.Context().Err()
	}))}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://anywhere/waits", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := client.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	<-ended

	answer, err := client.Get("http://anywhere/begun")
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}

func TestInProcessPanicIsABrokenAnswer(t *testing.T) {
	t.Parallel()
	client := http.Client{Transport: InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("oh")
	}))}
	r, err := client.Get("http://anywhere/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.ReadAll(r.Body); err == nil {
		t.Error("the answer looks whole")
	}
}
