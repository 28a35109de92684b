package traefik

import (
	"fmt"
	"strings"
)

const (
	maxPathBytes    = 200
	maxPathSegments = 16
)

// Path is a URL path as ParsePath accepts it: "/", or one or more segments such as
// /shop/api, without a final slash. Every character means itself in a URL, a rule and a
// label, so none is ever escaped.
type Path string

// ParsePath returns s as a Path, or an *InvalidError. Segments are lower-case letters,
// digits and - . _ ~, and do not start with a dot, so that nobody can claim .. or
// /.well-known. It drops one final slash, because people type it.
func ParsePath(s string) (Path, error) {
	refuse := func(reason, hint string) (Path, error) {
		return "", &InvalidError{Value: s, Reason: reason, Hint: hint}
	}
	switch {
	case s == "":
		return refuse("There is nothing here.", "Write a path such as /app.")
	case s[0] != '/':
		return refuse("The path does not start with a slash.", "Write a path such as /app.")
	case s == "/":
		return "/", nil
	case len(s) > maxPathBytes:
		return refuse(fmt.Sprintf("The path has %d characters, and %d is the most.", len(s), maxPathBytes), "Use a shorter path.")
	}
	path := strings.TrimSuffix(s, "/")
	segments := strings.Split(path[1:], "/")
	if len(segments) > maxPathSegments {
		return refuse(fmt.Sprintf("The path has %d parts, and %d is the most.", len(segments), maxPathSegments), "Use a shorter path.")
	}
	for _, segment := range segments {
		switch {
		case segment == "":
			return refuse("The path has two slashes in a row.", "Write a path such as /shop/api.")
		case segment[0] == '.':
			return refuse("A part of the path starts with a dot.", "Write a path such as /shop/api.")
		case !isPathSegment(segment):
			return refuse("The path has a character that is not allowed.", "Use lower-case letters, digits and - . _ ~ between the slashes, as in /shop/api.")
		}
	}
	return Path(path), nil
}

// Within reports whether p is other or is below it: /shop/api is within /shop and
// everything is within "/", but /shopping is not within /shop.
func (p Path) Within(other Path) bool {
	return other == "/" || p == other || strings.HasPrefix(string(p), string(other)+"/")
}

// segments counts the parts between the slashes; "/" has none.
func (p Path) segments() int {
	if p == "/" {
		return 0
	}
	return strings.Count(string(p), "/")
}

func isPathSegment(segment string) bool {
	for i := range len(segment) {
		if c := segment[i]; !isLowerOrDigit(c) && !strings.ContainsRune("-._~", rune(c)) {
			return false
		}
	}
	return true
}
