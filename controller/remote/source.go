package remote

import (
	"errors"
	"net/url"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push"
	"berth/controller/secret"
)

// The fields that problems name.
const (
	FieldAddress = "repository"
	FieldToken   = "repository_token"
)

const (
	longestAddress = 500
	longestToken   = 500
)

// Source is a branch of a repository, or a folder of it. ParseSource makes it.
type Source struct {
	Address string // such as https://git.example.com/user/shop.git
	Token   secret.Text
	// DeployKey and HostKey are for an address over SSH: the private half of the key that
	// reads the repository, and what ParseHostKey has returned.
	DeployKey secret.Text
	HostKey   string
	Branch    string
	Folder    string // of the repository that holds the app; empty: the whole
}

// ParseSource reads a source as a person types it. An empty branch is push.DefaultBranch. All
// faults are Problems.
func ParseSource(address, branch, folder string, token secret.Text) (Source, error) {
	var faults problem.Problems
	settings, err := push.ParseSettings(branch, folder)
	if found, ok := errors.AsType[problem.Problems](err); ok {
		faults = append(faults, found...)
	}
	if settings.Branch == "" {
		settings.Branch = push.DefaultBranch
	}
	address, err = parseAddress(address)
	faults = faults.With(err)
	if _, overSSH := parseSSH(address); overSSH && token != "" {
		faults = append(faults, problem.Invalid("An address over SSH takes no token.", "Leave the token out. Berth reads the repository with a deploy key.").At(FieldToken))
	}
	faults = faults.With(CheckToken(token, FieldToken))
	if len(faults) > 0 {
		return Source{}, faults
	}
	return Source{Address: address, Token: token, Branch: settings.Branch, Folder: settings.Folder}, nil
}

// CheckToken returns the Problem of a token that no git host gave.
func CheckToken(token secret.Text, field string) error {
	if text := token.Reveal(); len(text) > longestToken || !printable.Is(text) || strings.Contains(text, " ") {
		return problem.Invalid("The token has spaces, or is too long.", "Copy it again, without spaces.").At(field)
	}
	return nil
}

// parseAddress takes addresses over HTTPS and SSH alone: a token goes over nothing else. A user
// may be in the address, and a password may not, because addresses are shown.
func parseAddress(text string) (string, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	if _, overSSH := parseSSH(text); overSSH {
		return text, nil
	}
	at, err := url.Parse(text)
	if err != nil || len(text) > longestAddress || !printable.Is(text) || at.Scheme != "https" || at.Hostname() == "" ||
		strings.Trim(at.Path, "/") == "" || at.RawQuery != "" || at.ForceQuery || at.Fragment != "" {
		return "", problem.Invalid("This is not the https address of a repository, or one over SSH.", "Write it as git clone takes it, such as https://git.example.com/user/shop.git or git@git.example.com:user/shop.git.").At(FieldAddress)
	}
	if _, has := at.User.Password(); has {
		return "", problem.Invalid("The address holds a password.", "Write the address without it, and the password into the field of the token.").At(FieldAddress)
	}
	return text, nil
}
