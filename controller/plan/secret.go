package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// A reference to a secret stands between two characters of the private use area,
// which no file and no variable of an app may hold.
const (
	referenceOpen  = "\ue000"
	referenceClose = "\ue001"
)

var secretReference = regexp.MustCompile(referenceOpen + "([^" + referenceClose + "]*)" + referenceClose)

// SecretReference is what stands in a plan in place of a secret's value, so that
// a plan can be kept and shown.
func SecretReference(name string) string { return referenceOpen + name + referenceClose }

// Reveal puts the values of secrets in place of the references in text. One that
// is not there is an error that names it.
func Reveal(text string, secrets map[string]string) (string, error) {
	var missing error
	revealed := secretReference.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, referenceOpen+referenceClose)
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
		for _, match := range secretReference.FindAllStringSubmatch(text, -1) {
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

func refersToSecret(text string) bool {
	return strings.Contains(text, referenceOpen) || strings.Contains(text, referenceClose)
}
