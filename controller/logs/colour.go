package logs

import "strings"

// Plain is the text of a line without its colours.
func Plain(text string) string {
	if strings.IndexByte(text, escape) < 0 {
		return text
	}
	var plain strings.Builder
	for _, part := range Parts(text) {
		plain.WriteString(part.Text)
	}
	return plain.String()
}

const escape = '\x1b'

// Part is a piece of a line in one style.
type Part struct {
	Text  string
	Style Style
}

// Style is how a terminal shows text. A colour is a number from 1 for black to 16 for bright
// white; 0 is the usual one.
type Style struct {
	Foreground, Background  uint8
	Bold, Italic, Underline bool
}

// Parts takes a line apart where its style changes. Only the colours that a kept line may
// hold are read: ESC [ numbers m.
func Parts(text string) []Part {
	var parts []Part
	var style Style
	for text != "" {
		at := strings.IndexByte(text, escape)
		if at < 0 {
			return append(parts, Part{text, style})
		}
		if at > 0 {
			parts = append(parts, Part{text[:at], style})
		}
		end := strings.IndexByte(text[at:], 'm')
		if end < 0 {
			return parts
		}
		style = style.after(strings.TrimPrefix(text[at:at+end], "\x1b["))
		text = text[at+end+1:]
	}
	return parts
}

// after is the style behind the numbers of one sequence.
func (s Style) after(numbers string) Style {
	codes := strings.Split(numbers, ";")
	for at := 0; at < len(codes); at++ {
		code := number(codes[at])
		if code == 38 || code == 48 {
			colour, used := palette(codes[at+1:])
			if code == 38 {
				s.Foreground = colour
			} else {
				s.Background = colour
			}
			at += used
			continue
		}
		s = s.with(code)
	}
	return s
}

func (s Style) with(code int) Style {
	switch {
	case code == 0:
		return Style{}
	case code == 1:
		s.Bold = true
	case code == 3:
		s.Italic = true
	case code == 4:
		s.Underline = true
	case code == 22:
		s.Bold = false
	case code == 23:
		s.Italic = false
	case code == 24:
		s.Underline = false
	case code >= 30 && code <= 37:
		s.Foreground = uint8(code - 29)
	case code >= 40 && code <= 47:
		s.Background = uint8(code - 39)
	case code >= 90 && code <= 97:
		s.Foreground = uint8(code - 81)
	case code >= 100 && code <= 107:
		s.Background = uint8(code - 91)
	case code == 39:
		s.Foreground = 0
	case code == 49:
		s.Background = 0
	}
	return s
}

// palette reads 5;N, of which the first sixteen are shown, and skips 2;R;G;B. It returns how many codes it used.
func palette(codes []string) (colour uint8, used int) {
	switch {
	case len(codes) >= 2 && codes[0] == "5":
		if n := number(codes[1]); n < 16 {
			return uint8(n + 1), 2
		}
		return 0, 2
	case len(codes) > 0 && codes[0] == "2":
		return 0, min(4, len(codes))
	}
	return 0, 0
}

// number reads a code; what is none is one that means nothing. The empty code is 0.
func number(text string) int {
	const most, nothing = 3, 999
	if len(text) > most {
		return nothing
	}
	value := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return nothing
		}
		value = 10*value + int(c-'0')
	}
	return value
}
