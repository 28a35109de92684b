// Command guestbook is a guestbook of two services: one shows it, one keeps it.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// drain is how long requests under way may take after SIGTERM.
const drain = 5 * time.Second

// tokenFile holds the secret that both services share.
const tokenFile = "/run/secrets/token"

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	command := strings.Join(arguments, " ")
	if command == "health" {
		return checkHealth()
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	switch secret := strings.TrimSpace(string(token)); command {
	case "web":
		return serve(newWeb(os.Getenv("STORE"), os.Getenv("TITLE"), secret).routes())
	case "store":
		store, err := openStore("/data/entries.jsonl", secret)
		if err != nil {
			return err
		}
		return serve(store.routes())
	default:
		return errors.New("say web, store or health")
	}
}

// serve answers until SIGTERM or SIGINT, then lets the requests under way finish.
func serve(handler http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: ":" + port(), Handler: handler, ReadHeaderTimeout: drain}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return server.Shutdown(deadline)
}

func checkHealth() error {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://127.0.0.1:" + port() + "/health")
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// port is the one that $PORT names, else 8000.
func port() string {
	if port := os.Getenv("PORT"); port != "" {
		return port
	}
	return "8000"
}

func healthy(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }
