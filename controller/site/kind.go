package site

import (
	"net/http"
	"path"
	"regexp"
	"strings"
)

const (
	lifetimeForever = "public, max-age=31536000, immutable"
	// lifetimeAsk lets a cache keep the answer but ask each time whether it still
	// holds, so that page and parts are of one release.
	lifetimeAsk = "no-cache"
)

// kinds are the media types by ending. The system's own table is not looked at:
// an image from scratch has none, and the answer must not depend on it.
var kinds = map[string]string{
	".aac": "audio/aac", ".atom": "application/atom+xml", ".avif": "image/avif", ".bmp": "image/bmp", ".css": "text/css",
	".csv": "text/csv", ".eot": "application/vnd.ms-fontobject", ".epub": "application/epub+zip", ".flac": "audio/flac",
	".geojson": "application/geo+json", ".gif": "image/gif", ".gz": "application/gzip", ".htm": "text/html", ".html": "text/html",
	".ico": "image/x-icon", ".ics": "text/calendar", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript",
	".json": "application/json", ".jsonld": "application/ld+json", ".m4a": "audio/mp4", ".map": "application/json",
	".md": "text/markdown", ".mjs": "text/javascript", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".oga": "audio/ogg",
	".ogg": "audio/ogg", ".ogv": "video/ogg", ".opus": "audio/ogg", ".otf": "font/otf", ".pdf": "application/pdf",
	".png": "image/png", ".rss": "application/rss+xml", ".svg": "image/svg+xml", ".tar": "application/x-tar",
	".tif": "image/tiff", ".tiff": "image/tiff", ".ttf": "font/ttf", ".txt": "text/plain", ".vtt": "text/vtt",
	".wasm": "application/wasm", ".wav": "audio/wav", ".weba": "audio/webm", ".webm": "video/webm",
	".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2",
	".xhtml": "application/xhtml+xml", ".xml": "application/xml", ".zip": "application/zip",
}

// typeOf returns the Content-Type of a file. The charset is only said where the
// content is UTF-8: an older page says its own.
func typeOf(name string, head []byte, isUTF8 bool) string {
	ending := strings.ToLower(path.Ext(name))
	kind, known := kinds[ending]
	switch {
	case known:
	case ending != "":
		return "application/octet-stream"
	case isUTF8:
		kind = "text/plain"
	default:
		kind = http.DetectContentType(head)
		if strings.HasPrefix(kind, "text/") {
			return "application/octet-stream"
		}
		return kind
	}
	if isUTF8 && (strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "json")) {
		return kind + "; charset=utf-8"
	}
	return kind
}

var (
	// hexPattern is a hash in a name, as bundlers write it: main.3f2a91bc.js.
	hexPattern = regexp.MustCompile(`[.-]([0-9a-f]{8,64})\.[A-Za-z0-9.]+$`)
	// shortPattern is the other form, eight characters of base64 before the ending
	// of a part of a program: index-Bx3kQ_9a.js.
	shortPattern = regexp.MustCompile(`[.-]([0-9A-Za-z_-]{8})\.(?:js|mjs|css)$`)
	// hashedFolders hold nothing but names with a hash; the frameworks that write them say so.
	hashedFolders = regexp.MustCompile(`(?:^|/)(?:_next/static|_astro|_app/immutable)/.`)
)

// lifetimeOf returns the Cache-Control of a file: for ever where its name changes
// with its content. Where that is not certain, it is asked for each time.
func lifetimeOf(name string) string {
	switch {
	case isPage(name):
		return lifetimeAsk
	case hashedFolders.MatchString(name), isHash(hexPattern, name, "0123456789", "abcdef"),
		isHash(shortPattern, name, "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
		return lifetimeForever
	default:
		return lifetimeAsk
	}
}

// isHash reports whether what the pattern finds has a character of every set: a
// date has no letters, a word no digits.
func isHash(pattern *regexp.Regexp, name string, sets ...string) bool {
	found := pattern.FindStringSubmatch(name)
	if found == nil {
		return false
	}
	for _, set := range sets {
		if !strings.ContainsAny(found[1], set) {
			return false
		}
	}
	return true
}
