package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// A reference to a secret stands between two characters of the private use area. No file
// and no variable of an app may hold these characters.
const (
	ReferenceOpen  = "\ue000"
	ReferenceClose = "\ue001"
)

// SecretReferences matches the references in a text; the name is its first group.
var SecretReferences = regexp.MustCompile(ReferenceOpen + "([^" + ReferenceClose + "]*)" + ReferenceClose)

// SecretReference replaces a secret's value in a plan, so that the plan can be stored and
// shown.
func SecretReference(name string) string { return ReferenceOpen + name + ReferenceClose }

// Reveal replaces the references in text by the values of the secrets. A missing secret
// is an error that names it.
func Reveal(text string, secrets map[string]string) (string, error) {
	var missing error
	revealed := SecretReferences.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, ReferenceOpen+ReferenceClose)
		value, known := secrets[name]
		if !known && missing == nil {
			missing = &Refusal{
				Reason: fmt.Sprintf("The app has no secret %.60q any more.", name),
				Hint:   "Save a secret of that name for the app, or deploy without it.",
			}
		}
		return value
	})
	return revealed, missing
}

// SecretsOf returns the names of the secrets that the service refers to, each once.
func (s Service) SecretsOf() []string {
	var names []string
	seen := map[string]bool{}
	look := func(text string) {
		for _, match := range SecretReferences.FindAllStringSubmatch(text, -1) {
			if !seen[match[1]] {
				seen[match[1]] = true
				names = append(names, match[1])
			}
		}
	}
	for _, variable := range s.Environment {
		look(variable)
	}
	for _, file := range s.Files {
		look(string(file.Content))
	}
	return names
}

// RefersToSecret reports whether a text holds a reference, or a part of one.
func RefersToSecret(text string) bool {
	return strings.Contains(text, ReferenceOpen) || strings.Contains(text, ReferenceClose)
}
