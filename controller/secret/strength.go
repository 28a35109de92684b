package secret

import (
	_ "embed" // for the list of common passwords
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"berth/controller/problem"
)

// The two ways to a good password: MinPasswordCharacters of every class, or
// LongPasswordCharacters of any class.
const (
	MinPasswordCharacters  = 12
	LongPasswordCharacters = 16
)

// leastSurprises is how many characters of a password must not follow from the character
// before.
const leastSurprises = 5

// PasswordRules states the rules of CheckStrength in one sentence.
var PasswordRules = fmt.Sprintf("At least %d characters with upper-case and lower-case letters, digits and signs, or %d of any kind.",
	MinPasswordCharacters, LongPasswordCharacters)

//go:embed common.txt
var commonList string

// common are the passwords that attackers try first, in lower case. Longer passwords are
// often made of the shorter ones.
var common = readCommon(commonList)

// CheckStrength returns a Problem of problem.KindInvalid for a weak password: one that
// meets neither rule, has over 72 bytes, or is easy to guess. Easy to guess is a common
// password, one of the names, or a run of keys, also with decoration.
func CheckStrength(password string, names ...string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return problem.Invalid("The password is not valid text.", "Use characters that a keyboard can type.")
	case length < MinPasswordCharacters:
		return problem.Invalid(fmt.Sprintf("The password has fewer than %d characters.", MinPasswordCharacters), PasswordRules)
	case len(password) > MaxPasswordBytes:
		return problem.Invalid(fmt.Sprintf("The password is longer than %d bytes, and what comes after them would not count.", MaxPasswordBytes),
			"Use a shorter one. Letters beyond a to z take two bytes or more.")
	}
	if missing := missingClasses(password); len(missing) > 0 && length < LongPasswordCharacters {
		return problem.Invalid("The password has no "+strings.Join(missing, " and no ")+".", PasswordRules)
	}
	if isCommon(password, names) || isRun(password) {
		return problem.Invalid("The password is one of the first that others try.", "Use several words that do not belong together.")
	}
	return nil
}

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

// isCommon reports whether the password is only common parts: at most two common words or
// names, once each or repeated, with digits and signs, some of which may stand for
// letters.
func isCommon(password string, names []string) bool {
	known := func(word string) bool {
		if common[word] {
			return true
		}
		for _, name := range names {
			if word != "" && word == lettersOf(name) {
				return true
			}
		}
		return false
	}
	lower := strings.ToLower(password)
	for _, reading := range []string{lower, lettersOf(lower), lettersOf(asLetters.Replace(trimSigns(lower)))} {
		if known(reading) || known(unrepeated(reading)) {
			return true
		}
		for i := range reading {
			if known(reading[:i]) && (known(reading[i:]) || known(unrepeated(reading[i:]))) {
				return true
			}
		}
	}
	return false
}

// asLetters are the digits and signs that people write for letters.
var asLetters = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i", "|", "l")

// isRun reports whether most characters follow from the character before: the same again,
// the next letter of the alphabet, or the next key.
func isRun(password string) bool {
	runes := []rune(unrepeated(strings.ToLower(password)))
	surprises := 1
	for i := 1; i < len(runes); i++ {
		if !follows(runes[i-1], runes[i]) {
			surprises++
		}
	}
	return surprises < leastSurprises
}

// keyboards are rows and columns of keys, read in both directions.
var keyboards = []string{
	"`1234567890-=", "!@#$%^&*()_+", "!\"§$%&/()=", "01", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./",
	"qwertzuiopü", "asdfghjklöä", "yxcvbnm,.-", "azertyuiop", "qsdfghjklm", "wxcvbn,;:",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.",
}

func follows(before, after rune) bool {
	if step := after - before; step >= -1 && step <= 1 {
		return true
	}
	for _, row := range keyboards {
		if strings.Contains(row, string(before)+string(after)) || strings.Contains(row, string(after)+string(before)) {
			return true
		}
	}
	return false
}

// unrepeated returns the text that s repeats from beginning to end, or s.
func unrepeated(s string) string {
	for length := 1; length <= len(s)/2; length++ {
		unit := s[:length]
		if strings.HasPrefix(strings.Repeat(unit, len(s)/length+1), s) {
			return unit
		}
	}
	return s
}

// trimSigns drops the decorating digits and signs around a text.
func trimSigns(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '@' && r != '$' })
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func readCommon(list string) map[string]bool {
	words := make(map[string]bool)
	for line := range strings.Lines(list) {
		if word := strings.TrimSpace(line); word != "" {
			words[word] = true
		}
	}
	return words
}
