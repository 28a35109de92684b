package maintenance

import (
	"net/http"
	"strings"
)

// redirectToSlash answers 308 with the path as it was asked for and a slash behind it.
// The query stays as it is, byte for byte. No browser keeps the answer, because the
// operator can turn the redirect off.
func redirectToSlash(w http.ResponseWriter, r *http.Request) {
	location, ok := withSlash(r.RequestURI)
	if !ok {
		unknown.write(w, r)
		return
	}
	header := w.Header()
	header["Location"] = []string{location}
	header.Set("Content-Length", "0")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusPermanentRedirect)
}

// withSlash is where a request for target is sent on to: a path of the same host. What
// is no plain path without a slash behind it leads nowhere, least of all to another
// host, which "//" and what browsers take for it would name.
func withSlash(target string) (location string, ok bool) {
	path, query, asked := strings.Cut(target, "?")
	if len(path) < 2 || path[0] != '/' || strings.HasSuffix(path, "/") || strings.Contains(path, "//") ||
		strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r <= ' ' || r > '~' }) {
		return "", false
	}
	if asked {
		return path + "/?" + query, true
	}
	return path + "/", true
}
