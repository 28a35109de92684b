// Command hello is the smallest app that shows where Berth put it: a page with what a process sees of its own hardening.
package main

import (
	"context"
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is shown on the page, so that an update can be seen.
var version = "1"

// drain is how long requests under way may take after SIGTERM.
const drain = 5 * time.Second

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run serves until SIGTERM or SIGINT, then lets the requests under way finish.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Addr: ":" + port(), Handler: routes(), ReadHeaderTimeout: drain}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Printf("hello %s listens on %s", version, server.Addr)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	log.Print("hello stops")
	return server.Shutdown(deadline)
}

// port is the one that $PORT names, else 8000.
func port() string {
	if port := os.Getenv("PORT"); port != "" {
		return port
	}
	return "8000"
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", show)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

func show(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, look()); err != nil {
		log.Printf("write page: %v", err)
	}
}
