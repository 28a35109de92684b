package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"slices"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// web shows the guestbook, which it asks the store for.
type web struct {
	store, title, token string
	client              http.Client
}

func newWeb(store, title, token string) *web {
	return &web{store: store, title: title, token: token, client: http.Client{Timeout: 5 * time.Second}}
}

func (w *web) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", healthy)
	mux.HandleFunc("GET /{$}", w.show)
	mux.HandleFunc("POST /{$}", w.sign)
	return mux
}

func (w *web) show(out http.ResponseWriter, r *http.Request) {
	response, err := w.ask(r, http.MethodGet, nil)
	if err != nil {
		log.Print(err)
		http.Error(out, "The store does not answer.", http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	var entries []entry
	if err := json.NewDecoder(response.Body).Decode(&entries); err != nil {
		log.Print(err)
		http.Error(out, "The store is not understood.", http.StatusBadGateway)
		return
	}
	slices.Reverse(entries)
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(out, map[string]any{"Title": w.title, "Entries": entries}); err != nil {
		log.Print(err)
	}
}

func (w *web) sign(out http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(out, r.Body, 1<<14)
	text, err := json.Marshal(entry{Name: r.PostFormValue("name"), Text: r.PostFormValue("text")})
	if err != nil {
		http.Error(out, "That cannot be written down.", http.StatusBadRequest)
		return
	}
	response, err := w.ask(r, http.MethodPost, text)
	if err != nil {
		log.Print(err)
		http.Error(out, "The store does not take it.", http.StatusBadGateway)
		return
	}
	_ = response.Body.Close()
	// The proxy strips the route's prefix, and says it here.
	http.Redirect(out, r, r.Header.Get("X-Forwarded-Prefix")+"/", http.StatusSeeOther)
}

func (w *web) ask(r *http.Request, method string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.Context(), method, w.store+"/entries", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+w.token)
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("the store says %s", response.Status)
	}
	return response, nil
}
