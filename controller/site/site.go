// Package site serves a folder of files as a static site.
//
// The folder must not change while it is served, as in an image: what was once
// learnt of a file is kept. Nothing outside the folder, no name that begins with
// a dot (but /.well-known/) and no listing of a folder is ever served.
package site

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
)

const (
	indexFile    = "index.html"
	notFoundFile = "404.html"
)

// Options says how a site answers.
type Options struct {
	// Fallback answers paths that no file has, and that do not look like a file's,
	// with the top's index.html, for apps that route in the browser.
	Fallback bool
}

// Site is one folder. It may be used by many goroutines.
type Site struct {
	root     *os.Root
	fallback bool
	assets   sync.Map // path -> *asset, for files that exist
	kept     keeper
}

// Open returns the site in folder.
func Open(folder string, o Options) (*Site, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	return &Site{root: root, fallback: o.Fallback, kept: newKeeper()}, nil
}

// Close gives the folder back. Requests that come later find nothing.
func (s *Site) Close() error { return s.root.Close() }

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "A static site answers GET and HEAD.", http.StatusMethodNotAllowed)
		return
	}
	name, folder, ok := parsePath(r.URL)
	if !ok {
		s.serveMissing(w, r)
		return
	}
	served, err := s.find(name, folder)
	switch {
	case errors.Is(err, errIsFolder):
		redirectToFolder(w, r, name)
	case err != nil && s.fallback && !strings.Contains(path.Base(name), "."):
		s.serveFallback(w, r)
	case err != nil:
		s.serveMissing(w, r)
	default:
		s.serve(w, r, served)
	}
}

// parsePath returns the name of the file or folder that the URL means, relative
// to the top and "." for the top itself. It is strict: a path that any layer
// could read in another way, or that names a hidden file, is not one.
func parsePath(u *url.URL) (name string, folder, ok bool) {
	raw := strings.ToLower(u.EscapedPath())
	if strings.Contains(raw, "%2f") || strings.Contains(raw, "%5c") || strings.ContainsAny(u.Path, "\\\x00") {
		return "", false, false
	}
	name, found := strings.CutPrefix(u.Path, "/")
	if !found {
		return "", false, false
	}
	if name == "" {
		return ".", true, true
	}
	name, folder = strings.CutSuffix(name, "/")
	if !fs.ValidPath(name) || isHidden(name) {
		return "", false, false
	}
	return name, folder, true
}

// isHidden reports whether a part of the path begins with a dot. What lies in
// the top's .well-known is there to be found.
func isHidden(name string) bool {
	rest, _ := strings.CutPrefix(name, ".well-known/")
	for part := range strings.SplitSeq(rest, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// errIsFolder says that the path lacks the slash that a folder's has.
var errIsFolder = errors.New("is a folder")

// find returns what is served for a name: the file itself, a folder's
// index.html, or the page of that name without its ending.
func (s *Site) find(name string, folder bool) (*asset, error) {
	if folder {
		return s.load(path.Join(name, indexFile))
	}
	found, err := s.load(name)
	if err == nil {
		return found, nil
	}
	if errors.Is(err, errIsFolder) {
		if _, indexErr := s.load(path.Join(name, indexFile)); indexErr == nil {
			return nil, errIsFolder
		}
	}
	return s.load(name + ".html")
}

// serveFallback lets the page at the top answer for a path that it knows itself.
func (s *Site) serveFallback(w http.ResponseWriter, r *http.Request) {
	index, err := s.load(indexFile)
	if err != nil {
		s.serveMissing(w, r)
		return
	}
	s.serve(w, r, index)
}

// serveMissing answers 404, with the site's own page where it has one.
func (s *Site) serveMissing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	if page, err := s.load(notFoundFile); err == nil && s.serveAs(w, r, page, http.StatusNotFound) == nil {
		return
	}
	http.Error(w, "There is no such page.", http.StatusNotFound)
}

// redirectToFolder adds the slash. The address is relative, and begins with a dot
// and a slash: the proxy may have stripped a prefix that is not known here, and
// no name can make it lead to another host.
func redirectToFolder(w http.ResponseWriter, r *http.Request, name string) {
	target := url.URL{Path: "./" + path.Base(name) + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusPermanentRedirect)
}
