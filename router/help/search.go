package help

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MostQuery is how many bytes of what is searched for count.
	MostQuery = 200
	mostHits  = 40
	around    = 90 // bytes of an excerpt before and behind a word
)

// Hit is a section that holds every word.
type Hit struct {
	Guide, Title string // Title is empty for the beginning of the guide
	Path         string
	Excerpt      string
}

// Search finds the sections that hold every word of the query, those with one in their
// heading first. Case does not count.
func (l *Library) Search(query string) []Hit {
	words := strings.Fields(strings.ToLower(query[:min(len(query), MostQuery)]))
	if len(words) == 0 {
		return nil
	}
	var named, others []Hit
	for _, guide := range l.Guides {
		for _, section := range guide.Sections {
			heading, text := strings.ToLower(guide.Title+" "+section.Title), strings.ToLower(section.Text)
			if !holdsAll(heading+" "+text, words) {
				continue
			}
			hit := hitOf(guide, section, words)
			if holdsOne(strings.ToLower(section.Title), words) {
				named = append(named, hit)
			} else {
				others = append(others, hit)
			}
		}
	}
	hits := slices.Concat(named, others)
	return hits[:min(len(hits), mostHits)]
}

func holdsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func holdsOne(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func hitOf(guide Guide, section Section, words []string) Hit {
	hit := Hit{Guide: guide.Title, Path: guide.Path(), Excerpt: excerpt(section.Text, words)}
	if section.ID != "" {
		hit.Title, hit.Path = section.Title, hit.Path+"#"+section.ID
	}
	return hit
}

// excerpt is the text around the first word of those that it holds, else its beginning.
func excerpt(text string, words []string) string {
	lower := strings.ToLower(text)
	at := -1
	for _, word := range words {
		if found := strings.Index(lower, word); found >= 0 && (at < 0 || found < at) {
			at = found
		}
	}
	if len(lower) != len(text) { // letters whose small form is longer: places do not match
		at = 0
	}
	from, to := border(text, max(0, at-around)), border(text, min(len(text), max(0, at)+around))
	short := text[from:to]
	if from > 0 {
		short = "…" + short
	}
	if to < len(text) {
		short += "…"
	}
	return short
}

// border is the beginning of the word or letter at a place of a text.
func border(text string, at int) int {
	if at <= 0 || at >= len(text) {
		return at
	}
	if space := strings.LastIndexByte(text[:at], ' '); space >= 0 && at-space < around/2 {
		return space + 1
	}
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}
