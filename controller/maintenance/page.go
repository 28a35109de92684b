package maintenance

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// defaultText is shown where the operator wrote none.
const defaultText = "This app is down for maintenance. Please come back soon."

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// policy lets the page have its own style and nothing else.
var policy = "default-src 'none'; style-src '" + styleHash() + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// page is one answer. It names neither an app nor Berth: who asks may be anybody.
type page struct {
	Title, Text string
	status      int
	soon        bool // browsers ask again by themselves
}

var (
	unknown = page{
		Title: "Page not found", status: http.StatusNotFound,
		Text: "There is nothing at this address. Check the address for mistakes.",
	}
	unavailable = page{
		Title: "Not available", status: http.StatusServiceUnavailable,
		Text: "This page is not available at the moment. Please try again later.",
	}
	replaced = page{
		Title: "Back in a moment", status: http.StatusServiceUnavailable, soon: true,
		Text: "This page is starting again, and loads by itself once it is there.",
	}
)

// The pages of requests that the proxy refuses. It enforces the status itself where its
// own rules refuse.
var (
	encoded = page{
		Title: "Address not accepted", status: http.StatusBadRequest,
		Text: "The address holds an encoded character (%23, %25, %2F, %3B or %3F) that is not accepted here. " +
			"If this is your app, choose on its page Access which encoded characters it gets.",
	}
	forbidden = page{
		Title: "Not admitted", status: http.StatusForbidden,
		Text: "This page admits only some internet addresses, and yours is not one of them.",
	}
)

// maintenanceOf is the page of an app in maintenance; an empty text is the usual one.
func maintenanceOf(text string) page {
	return page{Title: "Down for maintenance", Text: cmp.Or(text, defaultText), status: http.StatusServiceUnavailable}
}

func (p page) write(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil { // strings always render
		http.Error(w, p.Text, p.status)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	if p.status == http.StatusServiceUnavailable {
		header.Set("Retry-After", retryAfter)
	}
	if p.soon {
		header.Set("Retry-After", soon)
		header.Set("Refresh", soon)
	}
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // whoever asked may be gone
	}
}

func styleHash() string {
	_, after, _ := strings.Cut(pageText, "<style>")
	style, _, _ := strings.Cut(after, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
