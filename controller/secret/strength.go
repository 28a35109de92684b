package secret

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MinPasswordCharacters is the shortest password that a person may choose.
const MinPasswordCharacters = 8

const minDistinctCharacters = 5

// What is left of the passwords that everybody tries first when digits and
// signs are taken away.
var commonWords = []string{
	"abc", "abcd", "abcdef", "admin", "administrator", "adminadmin", "asdf", "asdfgh", "berth", "changeme",
	"changeit", "default", "docker", "dragon", "football", "iloveyou", "letmein", "login", "master", "milkcrate",
	"monkey", "pass", "passw", "password", "passwort", "passwrd", "pssword", "psswrd", "princess", "qwert", "qwerty",
	"qwertyuiop", "qwertz", "root", "secret", "server", "summer", "sunshine", "superman", "test", "traefik",
	"trustno", "welcome", "winter", "zaq",
}

// WeakError says why a password is too easy to guess; both are sentences for the person.
type WeakError struct{ Reason, Hint string }

// Error gives the reason and the hint.
func (e *WeakError) Error() string { return e.Reason + " " + e.Hint }

// CheckStrength returns a *WeakError for a password that nobody should choose:
// under 8 characters or over 72 bytes, without a lower-case letter, an
// upper-case letter, a digit and a sign, of few distinct characters, or a
// common word with decoration.
func CheckStrength(password string) error {
	switch {
	case !utf8.ValidString(password):
		return weak("The password is not valid text.", "Use characters that a keyboard can type.")
	case utf8.RuneCountInString(password) < MinPasswordCharacters:
		return weak(fmt.Sprintf("The password has fewer than %d characters.", MinPasswordCharacters), "Use 12 or more.")
	case len(password) > MaxPasswordBytes:
		return weak(fmt.Sprintf("The password is longer than %d bytes.", MaxPasswordBytes), "Use a shorter one.")
	}
	if missing := missingClasses(password); len(missing) > 0 {
		return weak("The password has no "+strings.Join(missing, " and no ")+".",
			"Mix lower-case and upper-case letters, digits and signs.")
	}
	if distinctCharacters(password) < minDistinctCharacters || slices.Contains(commonWords, letters(password)) {
		return weak("The password is one of the first that others try.", "Use several words that do not belong together.")
	}
	return nil
}

func weak(reason, hint string) *WeakError { return &WeakError{Reason: reason, Hint: hint} }

func missingClasses(password string) []string {
	isSign := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	classes := []struct {
		name   string
		member func(rune) bool
	}{
		{"lower-case letter", unicode.IsLower},
		{"upper-case letter", unicode.IsUpper},
		{"digit", unicode.IsDigit},
		{"sign such as - or !", isSign},
	}
	var missing []string
	for _, class := range classes {
		if !strings.ContainsFunc(password, class.member) {
			missing = append(missing, class.name)
		}
	}
	return missing
}

func distinctCharacters(password string) int {
	seen := map[rune]bool{}
	for _, r := range strings.ToLower(password) {
		seen[r] = true
	}
	return len(seen)
}

func letters(password string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, password)
}
