// Package maintenance shows the page of apps that are in maintenance, in their place.
//
// It keeps nothing: the proxy brings the operator's text along in a header that it
// sets itself, so that what is shown is what was published, also while the
// controller is down and after any restart.
package maintenance

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"berth/traefik"
)

const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	idleTimeout   = time.Minute
	headerBytes   = 96 << 10 // the proxy takes 64 KB of the client, and adds the text
	drainTime     = 5 * time.Second

	// retryAfter is when crawlers and monitors ask again, in seconds.
	retryAfter = "300"

	// defaultText is shown where the operator wrote none.
	defaultText = "This app is down for maintenance. Please come back soon."
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// policy lets the page have its own style and nothing else.
var policy = "default-src 'none'; style-src '" + styleHash() + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Handler answers every request with status 503 and the page.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := traefik.DecodeMaintenance(r.Header.Get(traefik.MaintenanceHeader))
		if text == "" {
			text = defaultText
		}
		var body bytes.Buffer
		if err := page.Execute(&body, text); err != nil { // a string always renders
			http.Error(w, defaultText, http.StatusServiceUnavailable)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Length", strconv.Itoa(body.Len()))
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		header.Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, _ = w.Write(body.Bytes()) // whoever asked may be gone
		}
	})
}

// Serve answers on the listener until ctx ends.
func Serve(ctx context.Context, listener net.Listener, logger *slog.Logger) error {
	server := &http.Server{
		Handler: Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what clients do wrong
	}
	drained := make(chan error, 1)
	running := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		drained <- server.Shutdown(ctx)
	})
	err := server.Serve(listener)
	if running() { // it fell by itself
		return fmt.Errorf("serve maintenance pages: %w", err)
	}
	return <-drained
}

func styleHash() string {
	_, after, _ := strings.Cut(pageText, "<style>")
	style, _, _ := strings.Cut(after, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
