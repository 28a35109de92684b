package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/address"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/webhook"
)

// State is how far the deploy of a commit is.
type State string

// The states.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
)

// Status is what a git host shows beside a commit.
type Status struct {
	Provider    webhook.Provider // of the git host
	Commit      pack.ID
	State       State
	Description string // a short sentence: at most 140 letters
	Context     string // tells the status from those of others, such as berth/shop
	Link        string // empty: without one
}

const (
	tellTime   = 10 * time.Second
	mostAnswer = 64 << 10 // bytes
	gitHub     = "github.com"
)

// ProviderAt is the provider of a git host that everybody knows; empty for another one.
func ProviderAt(repository string) webhook.Provider {
	at, err := webAddress(repository)
	if err != nil {
		return ""
	}
	return map[string]webhook.Provider{
		gitHub: webhook.GitHub, "gitlab.com": webhook.GitLab, "codeberg.org": webhook.Gitea, "gitea.com": webhook.Gitea,
	}[strings.ToLower(at.Hostname())]
}

// Tell gives the git host a status. The token of the source must be one that may write
// statuses. All faults of the git host are Problems.
func (r *Remotes) Tell(ctx context.Context, source Source, status Status) error {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	request, err := requestOf(ctx, source, status)
	if err != nil {
		return err
	}
	transport := r.client.transport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if closed, isClosed := errors.AsType[*address.ClosedError](err); isClosed {
		return problem.Forbidden(closed.Error()+".", "Berth reports to git hosts of the internet alone. For one of a private network, have the operator set BERTH_EGRESS_PRIVATE=allow.").Because(err)
	}
	if err != nil {
		return worded(hostError{err}, source.Token)
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it counts
	answer, _ := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	// GitLab refuses to move a status to where it is: the report before was taken, though its answer was lost.
	if status.State == Pending && response.StatusCode == http.StatusBadRequest && bytes.Contains(answer, []byte("Cannot transition status")) {
		return nil
	}
	return taken(response)
}

// taken is the Problem of an answer that is not "created".
func taken(response *http.Response) error {
	status := response.StatusCode
	said := fmt.Sprintf("%d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusCreated:
		return nil
	case status >= 300 && status < 400:
		return problem.Invalid("The git host leads the report of the status to "+placeOf(response)+".", "Write the address of the repository into the settings as it is now. Berth follows no redirects, because they would take the token along.")
	case status == http.StatusTooManyRequests || status >= 500:
		return unavailable(status)
	default:
		return problem.Invalid("The git host does not take the status of the commit (it answers "+said+").", "Check that the token for statuses is valid, and may write the commit statuses of the repository.")
	}
}

// statusBody is a status as GitHub and Gitea take it; GitLab takes it with other states.
type statusBody struct {
	State       string `json:"state"`
	Description string `json:"description"`
	Context     string `json:"context"`
	TargetURL   string `json:"target_url,omitempty"`
}

func requestOf(ctx context.Context, source Source, status Status) (*http.Request, error) {
	to, err := apiOf(source.Address, status)
	if err != nil {
		return nil, err
	}
	told := statusBody{string(status.State), status.Description, status.Context, status.Link}
	if status.Provider == webhook.GitLab && status.State == Failure {
		told.State = "failed"
	}
	body, err := json.Marshal(told)
	if err != nil {
		return nil, fmt.Errorf("write status of a commit: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask for the status of a commit: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Berth") // GitHub refuses requests without one
	switch token := source.Token.Reveal(); status.Provider {
	case webhook.GitHub:
		request.Header.Set("Accept", "application/vnd.github+json")
		request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
		request.Header.Set("Authorization", "Bearer "+token)
	case webhook.GitLab:
		request.Header.Set("PRIVATE-TOKEN", token)
	default:
		request.Header.Set("Authorization", "token "+token)
	}
	return request, nil
}

// webAddress is where the git host of a repository is over HTTPS: of one over SSH, the same
// host and path.
func webAddress(repository string) (*url.URL, error) {
	at, overSSH := parseSSH(repository)
	if !overSSH {
		return url.Parse(repository)
	}
	host, _, err := net.SplitHostPort(at.host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/" + strings.TrimPrefix(at.path, "/")}, err
}

// apiOf is where a status goes, on the host of the repository.
func apiOf(repository string, status Status) (string, error) {
	at, err := webAddress(repository)
	if err != nil {
		return "", err
	}
	parts := strings.Split(strings.TrimSuffix(strings.Trim(at.EscapedPath(), "/"), ".git"), "/")
	owned := len(parts) - 2 // where the owner and the name are; before them, the folder of a Gitea that has one
	if owned < 0 || status.Provider == webhook.GitHub && owned > 0 {
		return "", problem.Invalid("The address of the repository does not end in an owner and a name.", "Write it as git clone takes it, such as https://git.example.com/user/shop.git.").At(FieldAddress)
	}
	base, commit := "https://"+at.Host, status.Commit.String()
	switch status.Provider {
	case webhook.GitHub:
		if strings.EqualFold(at.Hostname(), gitHub) {
			base = "https://api." + gitHub
		} else {
			base += "/api/v3"
		}
		return base + "/repos/" + strings.Join(parts, "/") + "/statuses/" + commit, nil
	case webhook.GitLab:
		return base + "/api/v4/projects/" + strings.Join(parts, "%2F") + "/statuses/" + commit, nil
	case webhook.Gitea:
		return base + strings.Join(append([]string{""}, parts[:owned]...), "/") + "/api/v1/repos/" + strings.Join(parts[owned:], "/") + "/statuses/" + commit, nil
	default:
		return "", problem.Invalid("Berth does not know yet what kind of git host this is.", "Choose it in the form of the webhook, or push to the branch once: Berth learns the kind from the delivery.")
	}
}
