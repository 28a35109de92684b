package problem

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Refusal says why a tool does not take what it was given. File is printable; Reason and
// Hint are whole sentences. All three are safe to show.
type Refusal struct {
	File   string // path in the archive; empty where no one file is at fault
	Line   int    // in File or the text, from 1; 0 where no one line is at fault
	Reason string
	Hint   string // the next step
	Offer  Offer  // what a person may choose instead; empty where nothing else helps
	// Subject is what the Offer is about: a service of a compose file, or names of
	// services or variables with commas between; empty means the app.
	Subject string
	// Likely says that the offer is right for what is known of its Subject: a form ticks
	// it beforehand.
	Likely bool
}

// Offer names a choice of a person that lifts a refusal.
type Offer string

// The offers. The form, the command line and the API know each by its name.
const (
	OfferBinds  Offer = "binds"  // volumes of the app in place of data folders of the host
	OfferMain   Offer = "main"   // another main service
	OfferDotenv Offer = "dotenv" // the values of the archive's .env
	// OfferCompose chooses one or more compose files; the Subject names those that the
	// archive has, with commas between.
	OfferCompose Offer = "compose"
	// OfferDockerfile chooses the Dockerfile; the Subject names those that the archive has.
	OfferDockerfile Offer = "dockerfile"

	OfferPlain Offer = "plain" // the variables are kept plain, not as secrets

	// The security exceptions for one service.
	OfferWritableRoot Offer = "writable_root"
	OfferRootStart    Offer = "root_start"
)

// Place says where the fault is; empty where no file and no line is at fault.
func (r *Refusal) Place() string {
	switch {
	case r.File == "" && r.Line == 0:
		return ""
	case r.File == "":
		return fmt.Sprintf("Line %d", r.Line)
	case r.Line == 0:
		return r.File
	default:
		return fmt.Sprintf("%s, line %d", r.File, r.Line)
	}
}

// Error gives the place and the reason on one line.
func (r *Refusal) Error() string {
	if place := r.Place(); place != "" {
		return place + ": " + r.Reason
	}
	return r.Reason
}

// Subjects are the names in Subject.
func (r *Refusal) Subjects() []string {
	return strings.FieldsFunc(r.Subject, func(c rune) bool { return c == ',' })
}

// noValuePattern matches the reasons that are together in one refusal too.
var noValuePattern = regexp.MustCompile(`(?:^| Line \d+: )The variable ([A-Za-z_][A-Za-z0-9_]*) has no value`)

// Variable is the name of the variable without which the input cannot be read; empty for
// any other fault.
func (r *Refusal) Variable() string {
	if found := noValuePattern.FindStringSubmatch(r.Reason); found != nil {
		return found[1]
	}
	return ""
}

// Refusals are all faults of one input. errors.As finds the first.
type Refusals []*Refusal

// Error gives each fault on a line.
func (r Refusals) Error() string {
	lines := make([]string, 0, len(r))
	for _, refusal := range r {
		lines = append(lines, refusal.Error())
	}
	return strings.Join(lines, "\n")
}

// Subjects are what the faults with the offer are about, each once; offered is false where
// none has it.
func (r Refusals) Subjects(offer Offer) (subjects []string, offered bool) {
	for _, refusal := range r {
		if refusal.Offer != offer {
			continue
		}
		offered = true
		for _, name := range refusal.Subjects() {
			if !slices.Contains(subjects, name) {
				subjects = append(subjects, name)
			}
		}
	}
	return subjects, offered
}

// Variables are the names of all variables that have no value, each once.
func (r Refusals) Variables() []string {
	var names []string
	for _, refusal := range r {
		for _, found := range noValuePattern.FindAllStringSubmatch(refusal.Reason, -1) {
			if !slices.Contains(names, found[1]) {
				names = append(names, found[1])
			}
		}
	}
	return names
}

// Unwrap returns the faults.
func (r Refusals) Unwrap() []error {
	errs := make([]error, 0, len(r))
	for _, refusal := range r {
		errs = append(errs, refusal)
	}
	return errs
}

// Err returns the faults by file and line, each once; nil if there are none.
func (r Refusals) Err() error {
	if len(r) == 0 {
		return nil
	}
	sorted := slices.Clone(r)
	slices.SortStableFunc(sorted, func(a, b *Refusal) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	sorted = slices.CompactFunc(sorted, func(a, b *Refusal) bool { return *a == *b })
	if len(sorted) == 1 {
		return sorted[0]
	}
	return sorted
}

// RefusalsIn returns every Refusal in err.
func RefusalsIn(err error) Refusals {
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // walks the tree itself
		return Refusals{refusal}
	}
	switch wrapped := err.(type) { //nolint:errorlint // walks the tree itself
	case interface{ Unwrap() []error }:
		var all Refusals
		for _, one := range wrapped.Unwrap() {
			all = append(all, RefusalsIn(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		return RefusalsIn(wrapped.Unwrap())
	default:
		return nil
	}
}

// Refused returns the Refusals in err as one Problem of KindInvalid at the field of the
// form. Any other error stays as it is.
func Refused(field string, err error) error {
	all := RefusalsIn(err)
	switch len(all) {
	case 0:
		return err
	case 1:
		found := Invalid(all[0].Error(), all[0].Hint).At(field).Because(err)
		found.Faults = all
		return found
	default:
		message := fmt.Sprintf("%d faults. The first: %s", len(all), all[0].Error())
		found := Invalid(message, all[0].Hint).At(field).Because(err)
		found.Faults = all
		return found
	}
}
