package router

import (
	"html/template"

	"berth/controller/docker"
)

const (
	mostOutputBytes = 600 << 10 // of markup for the lines of a page, which stays below 1 MB with all else on it
	lineMarkup      = 200       // bytes around the text of a line
)

// newestLines are the last of the lines that fit in a page; the download holds the others.
func newestLines(lines []docker.Line) []docker.Line {
	room := mostOutputBytes
	for i := len(lines) - 1; i >= 0; i-- {
		room -= len(template.HTMLEscapeString(lines[i].Text)) + lineMarkup
		if room < 0 {
			return lines[i+1:]
		}
	}
	return lines
}
