package traefik

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// visitedProxy is fakeProxy where visitors come in too.
func visitedProxy(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	client := fakeProxy(t, answer)
	client.web = client.verify
	return client
}

func TestVisit_AsksTheProxyAloneWhereverTheAddressLeads(t *testing.T) {
	var seen atomic.Value
	client := visitedProxy(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Host + " " + r.RequestURI)
		w.Header().Set("Location", "http://192.0.2.1/")
		w.WriteHeader(http.StatusFound)
	})
	for address, want := range map[string]string{
		"http://192.0.2.1/x?y=%20#z": "shop.example.com /x?y=%20",
		"//192.0.2.1//a%2fb":         "shop.example.com //a%2fb",
		"/a b":                       "shop.example.com /a%20b",
	} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		page, err := client.Visit(t.Context(), "shop.example.com", parsed)
		if err != nil || page.Status != http.StatusFound || seen.Load() != want {
			t.Errorf("%s: %d %v, %v", address, page.Status, seen.Load(), err)
		}
	}
	if _, err := client.Visit(t.Context(), "", &url.URL{Path: "/"}); err != nil || seen.Load() != client.web.Host+" /" {
		t.Errorf("any host: %v, %v", seen.Load(), err)
	}
}

func TestVisit_ReadsAPageAndNoEndlessAnswer(t *testing.T) {
	client := visitedProxy(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for r.URL.Path == "/endless" && r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		_, _ = w.Write([]byte("hello"))
	})
	page, err := client.Visit(t.Context(), "", &url.URL{Path: "/"})
	if err != nil || page.Status != http.StatusOK || page.ContentType != "text/html" || string(page.Body) != "hello" {
		t.Errorf("%+v, %v", page, err)
	}
	page, err = client.Visit(t.Context(), "", &url.URL{Path: "/endless"})
	if err != nil || len(page.Body) != maxProbeBytes || strings.Trim(string(page.Body), "\x00") != "" {
		t.Errorf("%d bytes, %v", len(page.Body), err)
	}
}

func TestNewClient_VisitsWhereThePublicComesIn(t *testing.T) {
	client, err := NewClient("http://10.0.0.2:8080", "http://10.0.0.2:8081", "")
	if err != nil || client.web.String() != "http://10.0.0.2:8000" {
		t.Errorf("%v, %v", client.web, err)
	}
}
