package webhook

import (
	"net/url"
	"slices"
	"strings"
)

// IsOf reports whether the push was made to the repository at an address. Hosts and whole
// paths are compared. A scheme, a user and a port are not: a git host has one repository
// under several of them.
func (p Push) IsOf(address string) bool {
	want, ok := placeOf(address)
	return ok && slices.ContainsFunc(p.Repositories, func(one string) bool {
		told, ok := placeOf(one)
		return ok && told == want
	})
}

// place is where a repository is.
type place struct{ host, path string }

// placeOf reads an address such as https://host/owner/name.git, ssh://git@host:22/owner/name
// or git@host:owner/name.git. Git hosts do not tell capital letters from small ones.
func placeOf(address string) (place, bool) {
	if !strings.Contains(address, "://") {
		host, path, found := strings.Cut(address, ":")
		if !found {
			return place{}, false
		}
		address = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	at, err := url.Parse(address)
	if err != nil || at.Hostname() == "" || at.RawQuery != "" || at.Fragment != "" {
		return place{}, false
	}
	path := strings.TrimSuffix(strings.Trim(at.Path, "/"), ".git")
	return place{strings.ToLower(at.Hostname()), strings.ToLower(path)}, path != ""
}
