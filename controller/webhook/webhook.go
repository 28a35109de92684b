// Package webhook reads what git hosts tell about pushes, and proves that the sender knows
// the secret of the webhook. It keeps nothing and connects to nothing.
package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/secret"
)

// MostBody is how many bytes the body of a delivery may have.
const MostBody = 1 << 20

// Provider is the kind of git host that sends a delivery.
type Provider string

// The providers. Forgejo counts as Gitea, which it came from. Generic is for a script of
// one's own.
const (
	GitHub  Provider = "github"
	Gitea   Provider = "gitea"
	GitLab  Provider = "gitlab"
	Generic Provider = "generic"
)

// Delivery is one proven message of a git host.
type Delivery struct {
	Provider Provider
	Name     string // as the git host calls it, for people; no signature covers it
	Sum      string // the same for the same delivery, so that a replay is recognised
	Event    string // as the git host calls it, such as ping
	Push     *Push  // nil for every other event
}

// Push is what a delivery tells about a push.
type Push struct {
	Repositories []string // the addresses of the one repository, as the git host writes them
	Ref          string   // such as refs/heads/main
	Commit       pack.ID  // where the ref points now; zero if it was deleted
}

const branches = "refs/heads/"

// Branch is the branch that was pushed; false for a tag and everything else.
func (p Push) Branch() (name string, is bool) { return strings.CutPrefix(p.Ref, branches) }

// Deleted reports whether the ref is gone.
func (p Push) Deleted() bool { return p.Commit == pack.ID{} }

// Read proves a delivery with the secret of the webhook, and reads it. The error is a
// Problem: KindUnauthorized if the sender does not know the secret.
func Read(header http.Header, body []byte, key secret.Text) (Delivery, error) {
	if len(body) > MostBody {
		return Delivery{}, TooLarge()
	}
	provider, err := prove(header, body, key)
	if err != nil {
		return Delivery{}, err
	}
	// A body means what its signature covers. So no unsigned header may choose another
	// reading of it, such as that of a form, in which the text of a commit is a field.
	if kind, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || kind != "application/json" {
		return Delivery{}, problem.Invalid("The delivery is not JSON.", "Choose the content type application/json in the settings of the webhook at the git host.")
	}
	form := forms[provider]
	event, err := single(header, form.events...)
	if err != nil {
		return Delivery{}, err
	}
	made := Delivery{
		Provider: provider, Event: printable.Name(event, longestName),
		Name: printable.Name(first(header, form.names...), longestName), Sum: sumOf(provider, header, body),
	}
	if event != form.push {
		return made, nil
	}
	made.Push, err = form.read(body)
	return made, err
}

// TooLarge is the Problem of a body with more than MostBody bytes.
func TooLarge() error {
	return problem.TooLarge("The delivery is larger than 1 MB.", "Push fewer commits at once, or deploy on the page of the app.")
}

const longestName = 100

// sumOf is what a delivery is known again by: its body, because the headers with names are
// not signed. GitLab signs nothing, and the body of a push to an earlier commit may come
// again there, so its own name counts.
func sumOf(provider Provider, header http.Header, body []byte) string {
	text := body
	if name := first(header, forms[GitLab].names...); provider == GitLab && name != "" {
		text = []byte(name)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// single returns the one value of the headers that tell an event. Hosts send some of them
// under the names of others too.
func single(header http.Header, names ...string) (string, error) {
	for _, name := range names {
		values := header.Values(name)
		if len(values) > 1 {
			return "", twice(name)
		}
		if len(values) == 1 && values[0] != "" {
			return values[0], nil
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	return "", problem.Malformed("The delivery does not say which event it is about.", "Send it with the header "+names[0]+".")
}

func first(header http.Header, names ...string) string {
	for _, name := range names {
		if value := header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

func twice(name string) error {
	return problem.Malformed("The delivery has the header "+name+" twice.", "Send it once.")
}
