package logs

import (
	"fmt"
	"strings"

	"berth/controller/problem"
)

// Level is how serious a line says it is.
type Level uint8

// The levels, from the least serious one. Unknown is of lines that say none.
const (
	Unknown Level = iota
	Debug
	Info
	Warn
	Error
)

var levelWords = []string{Unknown: "", Debug: "debug", Info: "info", Warn: "warn", Error: "error"}

// String is the word of the level, empty for Unknown.
func (l Level) String() string { return levelWords[l] }

// FieldLevel is the field of a form and of the API for the level.
const FieldLevel = "level"

// ParseLevel reads the word of a level; the empty text is Unknown.
func ParseLevel(text string) (Level, error) {
	for level, word := range levelWords {
		if text == word {
			return Level(level), nil
		}
	}
	return Unknown, problem.Invalid(fmt.Sprintf("%.20q is not a level.", text), "Choose debug, info, warn or error.").At(FieldLevel)
}

const levelWithin = 256 // bytes at the beginning of a line in which its level stands

// LevelOf tells the level of a line: by the field level of JSON and logfmt, or by the first
// words of the line, such as "[ERROR]" or "2026-11-30 12:00:01 WARN".
func LevelOf(text string) Level {
	text = text[:min(len(text), levelWithin)]
	for _, key := range []string{`"level":`, `"severity":`, `"lvl":`, `level=`} {
		if _, value, found := strings.Cut(text, key); found {
			return wordLevel(firstWord(strings.TrimLeft(value, ` "`)))
		}
	}
	const leading = 5 // words: a date and a time may stand before the level
	for range leading {
		text = strings.TrimLeft(text, " \t[](){}<>|:,-")
		word := firstWord(text)
		if level := wordLevel(word); level != Unknown {
			return level
		}
		_, text, _ = strings.Cut(text, " ")
	}
	return Unknown
}

func firstWord(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		return text
	}
	return text[:end]
}

func wordLevel(word string) Level {
	switch word {
	case "debug", "DEBUG", "Debug", "trace", "TRACE", "Trace", "DBG", "TRC":
		return Debug
	case "info", "INFO", "Info", "INF", "notice", "NOTICE", "Notice":
		return Info
	case "warn", "WARN", "Warn", "warning", "WARNING", "Warning", "WRN":
		return Warn
	case "error", "ERROR", "Error", "ERR", "fatal", "FATAL", "Fatal", "critical", "CRITICAL", "Critical", "panic", "PANIC", "Panic", "emerg", "alert", "crit", "FTL":
		return Error
	}
	return Unknown
}
