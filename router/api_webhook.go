package router

import (
	"net/http"
	"time"

	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

// webhookJSON is the webhook of an app as the API shows it.
type webhookJSON struct {
	On         bool   `json:"on"`
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Folder     string `json:"folder"`
	HasToken   bool   `json:"has_token"`
	// DeployKey is the line that the git host is given, for a repository over SSH, and
	// HostKey the accepted key of that host.
	DeployKey string `json:"deploy_key,omitempty"`
	HostKey   string `json:"host_key,omitempty"`
	// HasStatusToken says that the git host is told what becomes of its commits.
	HasStatusToken bool `json:"has_status_token"`
	// Provider is the kind of git host that a person chose; empty: it is found by itself.
	Provider webhook.Provider `json:"provider"`
	Address  string           `json:"address"` // for the git host; empty before the webhook was saved
	// Secret is in the answer that makes it, and in no other one.
	Secret string `json:"secret,omitempty"`
}

// webhookWish is what a request changes. What it leaves out stays as it is.
type webhookWish struct {
	On         bool   `json:"on"`
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Folder     string `json:"folder"`
	Token      string `json:"token,omitempty"` // reads the repository
	// RemoveToken forgets the token that is kept.
	RemoveToken bool `json:"remove_token,omitempty"`
	// HostKey accepts the key of a git host over SSH: its fingerprint, or a line of known_hosts.
	HostKey string `json:"host_key,omitempty"`
	// StatusToken writes commit statuses at the git host.
	StatusToken string `json:"status_token,omitempty"`
	// RemoveStatusToken forgets that token: the git host is told nothing more.
	RemoveStatusToken bool `json:"remove_status_token,omitempty"`
	// Provider is the kind of the git host, for commit statuses: github, gitea (Forgejo, too)
	// or gitlab. Empty: it is found by itself.
	Provider webhook.Provider `json:"provider,omitempty"`
}

// deliveriesJSON is the last deliveries, the newest first.
type deliveriesJSON struct {
	Deliveries []pastDeliveryJSON `json:"deliveries"`
	// Status is what the git host was told last; missing where it was told nothing.
	Status *commitStatusJSON `json:"status,omitempty"`
}

// commitStatusJSON is what the git host was told of a release.
type commitStatusJSON struct {
	Release int64        `json:"release"`
	Commit  string       `json:"commit"`
	State   remote.State `json:"state"` // empty before the first attempt
	Taken   bool         `json:"taken"` // the git host took the state
	Fault   string       `json:"fault"` // why it did not; empty where it did, or was not asked yet
}

type pastDeliveryJSON struct {
	At       time.Time        `json:"at"`
	Provider webhook.Provider `json:"provider"` // empty where the sender is not proven; person: somebody asked for a fetch
	Name     string           `json:"name"`     // as the git host calls it
	Result   inbox.Result     `json:"result"`
	Reason   string           `json:"reason"`
	Release  int64            `json:"release"` // 0 without one
}

func (a *admin) webhookJSONOf(r *http.Request, view inbox.View, fresh secret.Text) webhookJSON {
	return webhookJSON{
		On: view.On, Repository: view.Address, Branch: view.Branch, Folder: view.Folder, HasToken: view.HasToken, HasStatusToken: view.HasStatusToken, Provider: view.Provider,
		DeployKey: view.DeployKey, HostKey: view.HostKey, Address: a.webhookAddress(r, view), Secret: fresh.Reveal(),
	}
}

// apiShowWebhook answers with the webhook of an app, without its secrets.
func (a *admin) apiShowWebhook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	view, err := a.webhooks.Show(v.context(), named.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, a.webhookJSONOf(v.request(), view, ""))
}

// apiUpdateWebhook changes what the body names. The first time it answers with the secret.
func (a *admin) apiUpdateWebhook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	view, err := a.webhooks.Show(v.context(), named.Name)
	if err != nil {
		return err
	}
	wish := webhookWish{On: view.On, Repository: view.Address, Branch: view.Branch, Folder: view.Folder, Provider: view.Provider}
	if err := decodeJSON(v.request(), &wish, `{"on": true, "repository": "https://git.example.com/user/shop.git", "branch": "main"}`); err != nil {
		return err
	}
	view, fresh, err := a.saveWebhook(v, named.Name, inbox.Settings{
		On: wish.On, Address: wish.Repository, Branch: wish.Branch, Folder: wish.Folder, Token: secret.Text(wish.Token), DropToken: wish.RemoveToken, HostKey: wish.HostKey,
		StatusToken: secret.Text(wish.StatusToken), DropStatusToken: wish.RemoveStatusToken, Provider: wish.Provider,
	})
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, a.webhookJSONOf(v.request(), view, fresh))
}

// apiRenewWebhook answers with a new address and a new secret.
func (a *admin) apiRenewWebhook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	view, fresh, err := a.renewWebhook(v, named.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, a.webhookJSONOf(v.request(), view, fresh))
}

// apiFetch deploys the newest commit of the branch, if that is not the one deployed last.
func (a *admin) apiFetch(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	answer, err := a.fetch(v, named.Name)
	if err != nil {
		return err
	}
	return a.tellAnswer(v, answer)
}

// apiListDeliveries answers with the last deliveries of an app.
func (a *admin) apiListDeliveries(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	found, err := a.webhooks.Deliveries(v.context(), named.Name)
	if err != nil {
		return err
	}
	made := deliveriesJSON{Deliveries: []pastDeliveryJSON{}}
	for _, one := range found {
		made.Deliveries = append(made.Deliveries, pastDeliveryJSON(one))
	}
	view, err := a.webhooks.Show(v.context(), named.Name)
	if err != nil {
		return err
	}
	if told := view.Report; told.Commit != "" {
		made.Status = &commitStatusJSON{told.Release.Number, told.Commit, told.State, told.Taken, told.Fault}
	}
	return v.json(http.StatusOK, made)
}
