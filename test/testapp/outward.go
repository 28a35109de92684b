package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// outward lets the test app be asked to connect elsewhere.
func outward() {
	http.HandleFunc("/fetch", fetch)
	http.HandleFunc("/datagram", datagram)
	http.HandleFunc("/lookup", lookup)
}

// fetch asks for a URL as most clients do: through the proxy that the environment names.
func fetch(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	answer, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer answer.Body.Close()
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

// datagram says whether anything answers over UDP.
func datagram(w http.ResponseWriter, r *http.Request) {
	connection, err := net.Dial("udp", r.URL.Query().Get("address"))
	if err == nil {
		_ = connection.SetDeadline(time.Now().Add(time.Second))
		fmt.Fprint(connection, "ping")
		_, err = connection.Read(make([]byte, 64))
		_ = connection.Close()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	fmt.Fprintln(w, "reached")
}

// lookup asks the resolver of the container.
func lookup(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	addresses, err := (&net.Resolver{PreferGo: true}).LookupHost(ctx, r.URL.Query().Get("name"))
	if err != nil {
		http.Error(w, fmt.Sprint(err, " after ", time.Since(began).Round(time.Millisecond)), http.StatusConflict)
		return
	}
	fmt.Fprintln(w, addresses)
}
