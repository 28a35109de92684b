package app

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"berth/controller/dotenv"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Bounds of an environment. The engine passes the whole environment to each process of
// the app.
const (
	MaxVariableName     = 128
	MaxVariableValue    = 32 << 10  // bytes
	MaxEnvironmentBytes = 256 << 10 // of all names and values
	MaxVariables        = 200
)

// Variable is one entry of an app's environment in the ledger.
type Variable struct {
	Name   string
	Value  string // if it is not a secret
	Sealed []byte // if it is a secret; by secret.Key.Seal for this app and name
	File   bool   // the app gets the secret as a file in plan.planx.SecretsFolder, not as environment
	Build  bool   // builds get it too, as an argument; no secret
}

// Secret reports whether the value is hidden from everybody.
func (v Variable) Secret() bool { return v.Sealed != nil }

// size is the variable's share of MaxEnvironmentBytes.
func (v Variable) size() int {
	return len(v.Name) + len(v.Value) + max(0, len(v.Sealed)-secret.SealOverhead)
}

// Equal reports whether both have the same name, the same value or seal, and the same form.
func (v Variable) Equal(other Variable) bool {
	return v.Name == other.Name && v.Value == other.Value && bytes.Equal(v.Sealed, other.Sealed) && v.File == other.File && v.Build == other.Build
}

// VariableWish is a variable as a person asks for it.
type VariableWish struct {
	Name   string
	Value  secret.Text
	Secret bool
	File   bool // the app gets the secret as a file
	Build  bool // builds get it too
}

// TemplateVariable is a variable that a template asks for.
type TemplateVariable struct {
	VariableWish
	Follows bool // its value is made of those of others
	Known   bool // its value stands in the template, for anyone to read
}

// ImportedVariables are the variables of a .env text.
type ImportedVariables struct {
	Wishes     []VariableWish
	References []string // names of variables with a ${...} in their value, which is not replaced
}

// MergeWishes returns both lists as one. A variable of after replaces that of before.
func MergeWishes(before, after []VariableWish) []VariableWish {
	merged := slices.Clone(before)
	for _, wish := range after {
		at := slices.IndexFunc(merged, func(other VariableWish) bool { return other.Name == wish.Name })
		if at < 0 {
			merged = append(merged, wish)
			continue
		}
		merged[at] = wish
	}
	return merged
}

// EnvironmentChange is a change of an app's environment.
type EnvironmentChange struct {
	Set     []VariableWish // new variables, and new values of existing ones
	Add     []VariableWish // new variables; one that exists stays as it is
	Remove  []string
	Replace bool     // removes every variable that is neither set nor kept
	Keep    []string // secrets that Replace does not change
	// StaySecret keeps an existing secret a secret, even if Set says otherwise.
	StaySecret bool
	// StayBuild keeps the mark of variables that builds get, even if Set says otherwise.
	StayBuild bool
}

// ChangeOf sets what a person gives, and adds what a template asks for.
func ChangeOf(given []VariableWish, asked []TemplateVariable) EnvironmentChange {
	change := EnvironmentChange{Set: given}
	for _, variable := range asked {
		change.Add = append(change.Add, variable.VariableWish)
	}
	return change
}

var variableNamePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckVariableName returns a Problem for an impossible name of a variable. It does not
// quote the name, because people mistake the fields and may have typed the secret there.
func CheckVariableName(name string) error {
	refuse := func(message, hint string) error {
		return problem.Invalid(message, hint).At("name")
	}
	switch {
	case name == "":
		return refuse("The variable has no name.", "Give it one, such as DATABASE_URL.")
	case len(name) > MaxVariableName:
		return refuse("The name of the variable is too long.", fmt.Sprintf("Use at most %d characters.", MaxVariableName))
	case !variableNamePattern.MatchString(name):
		return refuse("This cannot be the name of a variable.", "Use letters, digits and underscores, and no digit at the beginning, such as DATABASE_URL.")
	case name == "PORT":
		return refuse("PORT is what Berth tells the app, so that both agree.", "Set the port under Settings on the app's page.")
	case strings.HasPrefix(name, "BERTH_"):
		return refuse("Names that begin with BERTH_ belong to Berth.", "Choose another name.")
	}
	return nil
}

// VariableWarning warns of a surprising effect of a variable of this name; empty for most
// names.
func VariableWarning(name string) string {
	switch {
	case name == "PATH":
		return "It replaces the image's own PATH: programs that are not in it are no longer found."
	case strings.HasPrefix(name, "LD_"):
		return "It tells the loader which libraries the app's programs load."
	default:
		return ""
	}
}

// ParseEnvironmentText reads a .env text. All of it is secret, or none of it; a variable
// without a value is no secret. Problems name the form field text, and the line. It does not replace ${...}.
func ParseEnvironmentText(text string, asSecrets bool) (ImportedVariables, error) {
	refuse := func(line int, problem *problem.Problem) error {
		problem.Field, problem.Message = "text", fmt.Sprintf("Line %d: %s", line, problem.Message)
		return problem
	}
	pairs, err := dotenv.Parse(text)
	if err != nil {
		return ImportedVariables{}, problem.Refused("text", err)
	}
	if len(pairs) == 0 {
		return ImportedVariables{}, problem.Invalid(
			"There is no variable in the text.",
			"Write a line such as NAME=value for each.",
		).At("text")
	}
	var imported ImportedVariables
	for _, pair := range pairs {
		// What is empty is no secret, and a secret without a value would be refused.
		wish := VariableWish{Name: pair.Name, Value: secret.Text(pair.Value), Secret: asSecrets && pair.Value != ""}
		if problem := wish.Check(); problem != nil {
			return ImportedVariables{}, refuse(pair.Line, problem)
		}
		imported.Wishes = append(imported.Wishes, wish)
		if pair.Reference {
			imported.References = append(imported.References, pair.Name)
		}
	}
	return imported, nil
}

// Check returns the error of the wish by itself, or nil.
func (w VariableWish) Check() *problem.Problem {
	if problem, ok := CheckVariableName(w.Name).(*problem.Problem); ok { //nolint:errorlint // it returns no other, and wraps none
		return problem
	}
	value := w.Value.Reveal()
	refuse := func(field, message, hint string) *problem.Problem {
		return problem.Invalid(message, hint).At(field)
	}
	switch {
	case w.Build && w.Secret:
		return refuse("build", fmt.Sprintf("%s is a secret, and what a build gets as an argument stays in the image's history.", w.Name),
			fmt.Sprintf("Keep it a secret, and read it in the Dockerfile as a build secret: RUN --mount=type=secret,id=%s. Or save it as a plain variable.", w.Name))
	case w.Build && plan.SteersBuilder(w.Name):
		return refuse("build", fmt.Sprintf("%s would steer the build program itself.", w.Name), "Take the mark for builds away.")
	case w.Build && plan.ChoosesProxy(w.Name):
		return refuse("build", fmt.Sprintf("%s would lead the build through a proxy that its cache does not know of.", w.Name), "Take the mark for builds away; where a step needs a proxy, write ENV or export it in the Dockerfile.")
	case w.File && !w.Secret:
		return refuse("delivery", fmt.Sprintf("%s is no secret, and only a secret can be a file.", w.Name), "Make it a secret, or give it as environment.")
	case w.Secret && value == "":
		return refuse("value", fmt.Sprintf("The secret %s has no value.", w.Name), "Type it again: a saved secret is never shown again.")
	case len(value) > MaxVariableValue:
		return refuse("value", fmt.Sprintf("The value of %s has more than %d kB.", w.Name, MaxVariableValue>>10), "Put what is larger into a file of the archive or a volume.")
	case strings.ContainsRune(value, 0):
		return refuse("value", fmt.Sprintf("The value of %s holds a zero byte, which no environment can.", w.Name), "Encode it, for example as base64.")
	case !utf8.ValidString(value):
		return refuse("value", fmt.Sprintf("The value of %s is not text in UTF-8.", w.Name), "Encode it, for example as base64.")
	}
	return nil
}

// EnvironmentPlace binds a sealed value to its app and its name.
func EnvironmentPlace(app Name, name string) string {
	return fmt.Sprintf("environment of %s: %s", app, name)
}

// Find returns the variable of that name, or the zero Variable.
func Find(variables []Variable, name string) Variable {
	at := slices.IndexFunc(variables, func(v Variable) bool { return v.Name == name })
	if at < 0 {
		return Variable{}
	}
	return variables[at]
}

// BuildVariables returns those that builds get.
func BuildVariables(variables []Variable) []Variable {
	return slices.DeleteFunc(slices.Clone(variables), func(v Variable) bool { return !v.Build })
}

// BoundEnvironment returns the variables by name, or a Problem where there are more than
// MaxVariables or more bytes than MaxEnvironmentBytes.
func BoundEnvironment(variables map[string]Variable) ([]Variable, error) {
	size := 0
	sorted := make([]Variable, 0, len(variables))
	for _, variable := range variables {
		size += variable.size()
		sorted = append(sorted, variable)
	}
	if len(sorted) > MaxVariables {
		return nil, problem.Invalid(
			fmt.Sprintf("The app would have %d variables; %d are the most.", len(sorted), MaxVariables),
			"Remove some first, or put them into a file of the archive.",
		)
	}
	if size > MaxEnvironmentBytes {
		return nil, problem.Invalid(
			fmt.Sprintf("The environment would have %d kB; %d are the most.", size>>10, MaxEnvironmentBytes>>10),
			"Put what is large into a file of the archive or a volume.",
		)
	}
	slices.SortFunc(sorted, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return sorted, nil
}

// NoSuchVariable says that the app has no variable of that name.
func NoSuchVariable(app Name, name string) error {
	return problem.NotFound(
		fmt.Sprintf("%s has no variable %s.", app, shownName(name)),
		"It may have been removed meanwhile: look at the page again.",
	)
}

// NoSuchSecret says that the app has no secret of that name whose value could be kept.
func NoSuchSecret(app Name, name string) error {
	return problem.Invalid(
		fmt.Sprintf("%s has no secret %s that could be kept.", app, shownName(name)),
		"Give its value under secrets.",
	).At("keep_secrets")
}

// shownName quotes only possible names.
func shownName(name string) string {
	if CheckVariableName(name) != nil {
		return "of this name"
	}
	return name
}

// Summary names the changed variables, and never a value.
func (c EnvironmentChange) Summary() string {
	var variables, secrets []string
	for _, wish := range c.Set {
		if wish.Secret {
			secrets = append(secrets, wish.Name)
			continue
		}
		variables = append(variables, wish.Name)
	}
	var parts []string
	if c.Replace {
		parts = append(parts, "replaced all")
	}
	for _, part := range []struct {
		verb  string
		names []string
	}{{"set", variables}, {"set secret", secrets}, {"kept secret", c.Keep}, {"removed", c.Remove}} {
		if len(part.names) > 0 {
			parts = append(parts, part.verb+" "+NameList(part.names))
		}
	}
	return strings.Join(parts, "; ")
}

// NameList returns a few names and the number of the others.
func NameList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
