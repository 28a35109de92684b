// Package examples has the apps that the upload form offers to try.
package examples

import (
	"embed"
	"io/fs"
)

// Example is an app that can be deployed as it is.
type Example struct {
	Name  string // of its folder
	Title string
	About string // what it shows, one sentence
}

// All are the examples, the simplest one first.
func All() []Example {
	return []Example{
		{"hello-python", "Hello", "One small Python program with its Dockerfile."},
		{"static-site", "Static site", "Web pages alone. Berth builds and serves them."},
		{"guestbook", "Guestbook with database", "A Flask app and PostgreSQL in a compose file, with a volume and a password."},
	}
}

//go:embed all:hello-python all:static-site all:guestbook
var files embed.FS

// Open returns the files of an example.
func Open(name string) (fs.FS, bool) {
	for _, example := range All() {
		if example.Name == name {
			below, err := fs.Sub(files, name)
			return below, err == nil
		}
	}
	return nil, false
}
