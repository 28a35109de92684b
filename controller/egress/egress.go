// Package egress says where an app may connect to: everywhere, to the hosts of a list, or nowhere.
package egress

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/problem"
)

// Mode says where an app may connect to. The zero value is what Docker gives: everywhere.
type Mode string

// The modes of an app.
const (
	Open Mode = ""     // everywhere but what the firewall of make up forbids
	List Mode = "list" // to the hosts of the list, through Berth's own proxy
	None Mode = "none" // nowhere
)

// openWord is Open in forms, in the API and on the command line.
const openWord = "open"

// The fields of forms, as problems name them.
const (
	FieldMode  = "egress"
	FieldHosts = "egress_hosts"
)

// Closed reports whether the app runs on a network that leads nowhere by itself.
func (m Mode) Closed() bool { return m != Open }

// String is the mode as people write it: open, list or none.
func (m Mode) String() string {
	if m == Open {
		return openWord
	}
	return string(m)
}

// ParseMode reads open, list or none, or returns a Problem.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(strings.TrimSpace(text)); mode {
	case Open, openWord:
		return Open, nil
	case List, None:
		return mode, nil
	}
	return Open, problem.Invalid(
		fmt.Sprintf("%.20q is not a mode for outgoing connections.", text),
		"Use open (everywhere), list (only to the hosts of the list) or none (nowhere).",
	).At(FieldMode)
}

// Egress is what an app may connect to. It can be compared. The hosts are kept in every
// mode, and count in the mode List alone.
type Egress struct {
	Mode  Mode  `json:"mode,omitempty"`
	Hosts Hosts `json:"hosts,omitempty"`
}

// Form is Egress as a person types it.
type Form struct {
	Mode  string // open, list or none; empty is open
	Hosts string // with line ends between
}

// Form returns the egress as a person types it.
func (e Egress) Form() Form { return Form{e.Mode.String(), string(e.Hosts)} }

// Parse reads the form, or returns all its problems.
func Parse(form Form) (Egress, problem.Problems) {
	var parsed Egress
	var problems problem.Problems
	var err error
	parsed.Mode, err = ParseMode(form.Mode)
	problems = problems.With(err)
	parsed.Hosts, err = ParseHosts(form.Hosts)
	return parsed, problems.With(err)
}

// Run is what an instance runs with: the hosts count in the mode List alone.
func (e Egress) Run() Egress {
	if e.Mode != List {
		e.Hosts = ""
	}
	return e
}

// Allows reports whether an app may connect to the port of the host.
func (e Egress) Allows(host string, port uint16) bool {
	switch e.Mode {
	case Open:
		return true
	case List:
		return e.Hosts.Match(host, port)
	default:
		return false
	}
}

// Loosens reports whether e lets an app connect to more than before.
func (e Egress) Loosens(before Egress) bool {
	switch {
	case before.Mode == Open:
		return false
	case e.Mode == Open:
		return true
	case e.Mode == None:
		return false
	case before.Mode == None:
		return true
	}
	has := before.Hosts.List()
	return slices.ContainsFunc(e.Hosts.List(), func(host string) bool { return !slices.Contains(has, host) })
}

// Words says in a few words what an app may connect to.
func (e Egress) Words() string {
	switch count := len(e.Hosts.List()); {
	case e.Mode == Open:
		return "everywhere"
	case e.Mode == None:
		return "nowhere"
	case count == 1:
		return "1 host"
	default:
		return fmt.Sprintf("%d hosts", count)
	}
}
