package webhook

import (
	"encoding/json"
	"errors"
	"slices"

	"berth/controller/problem"
	"berth/controller/push/pack"
)

// form says how a provider tells of a push.
type form struct {
	events []string // headers with the event, the first that is there counts
	push   string   // the event of a push
	names  []string // headers with the name of the delivery
	read   func(body []byte) (*Push, error)
}

var forms = map[Provider]form{
	GitHub:  {events: []string{"X-GitHub-Event"}, push: "push", names: []string{"X-GitHub-Delivery"}, read: readGitHub},
	Gitea:   {events: []string{"X-Forgejo-Event", "X-Gitea-Event"}, push: "push", names: []string{"X-Forgejo-Delivery", "X-Gitea-Delivery"}, read: readGitHub},
	GitLab:  {events: []string{"X-Gitlab-Event"}, push: "Push Hook", names: []string{"Idempotency-Key", "X-Gitlab-Event-UUID"}, read: readGitLab},
	Generic: {read: readGeneric},
}

// readGitHub reads a push of GitHub, Gitea and Forgejo.
func readGitHub(body []byte) (*Push, error) {
	var told struct {
		Ref        string `json:"ref"`
		After      string `json:"after"`
		Deleted    bool   `json:"deleted"`
		Repository struct {
			CloneURL string `json:"clone_url"`
			SSHURL   string `json:"ssh_url"`
			HTMLURL  string `json:"html_url"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return nil, noPush(err)
	}
	at := told.Repository
	push, err := pushOf(told.Ref, told.After, at.CloneURL, at.SSHURL, at.HTMLURL)
	if err == nil && told.Deleted {
		push.Commit = pack.ID{}
	}
	return push, err
}

func readGitLab(body []byte) (*Push, error) {
	var told struct {
		Kind    string `json:"object_kind"`
		Ref     string `json:"ref"`
		After   string `json:"after"`
		Project struct {
			HTTP string `json:"git_http_url"`
			SSH  string `json:"git_ssh_url"`
			Web  string `json:"web_url"`
		} `json:"project"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return nil, noPush(err)
	}
	if told.Kind != "push" {
		return nil, noPush(errors.New("object_kind is not push"))
	}
	return pushOf(told.Ref, told.After, told.Project.HTTP, told.Project.SSH, told.Project.Web)
}

func readGeneric(body []byte) (*Push, error) {
	var told struct {
		Ref        string `json:"ref"`
		Commit     string `json:"commit"`
		Repository string `json:"repository"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return nil, noPush(err)
	}
	return pushOf(told.Ref, told.Commit, told.Repository)
}

func pushOf(ref, commit string, repositories ...string) (*Push, error) {
	id, err := pack.ParseID(commit)
	if err != nil {
		return nil, noPush(err)
	}
	repositories = slices.DeleteFunc(repositories, func(one string) bool { return one == "" })
	if ref == "" || len(repositories) == 0 {
		return nil, noPush(errors.New("the ref or the repository is missing"))
	}
	return &Push{Repositories: repositories, Ref: ref, Commit: id}, nil
}

// noPush is about a signed body that does not have the fields of a push.
func noPush(cause error) error {
	return problem.Malformed("The delivery does not have the fields of a push.", "Send the event push of GitHub, Gitea or GitLab, or JSON with ref, commit and repository.").Because(cause)
}
