// Package logs says what a line of a kept log is, how logs are searched, and where a reader stands in them.
package logs

import "time"

// Line is one line of an app's log, masked and safe to show.
type Line struct {
	Stream   Stream
	Number   uint64 // in its stream, from 1; older lines have smaller ones
	At       time.Time
	Stderr   bool
	Lost     bool // not printed by the app: it says that lines are missing here
	Level    Level
	Release  int64  // that printed it; 0 where none did, as of requests
	Instance string // the first characters of its container's id
	Text     string // with colours as a terminal knows them; Plain is without
}

// Stream names one log of an app: that of a service, or that of the requests to the app.
type Stream string

// Requests is the stream of the requests that the proxy answered. No service has its name.
const Requests Stream = "@requests"

const mostStream = 128 // bytes of the name of a stream

// OfService returns the stream of a service; false where no service has such a name.
func OfService(name string) (Stream, bool) {
	if name == "" || len(name) > mostStream || name[0] == '.' {
		return "", false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return "", false
		}
	}
	return Stream(name), true
}

// ParseStream reads the name of a stream; false where it is none.
func ParseStream(text string) (Stream, bool) {
	if text == string(Requests) {
		return Requests, true
	}
	return OfService(text)
}
