package router

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

// The fields of the form about the webhook.
const (
	fieldWebhookOn        = "webhook_on"
	fieldWebhookBranch    = "webhook_branch"
	fieldWebhookFolder    = "webhook_folder"
	fieldWebhookDropToken = "remove_token"
	fieldDropStatusToken  = "remove_status_token"
	fieldWebhookProvider  = inbox.FieldProvider
)

// webhookView is the part of the app's page about its webhook.
type webhookView struct {
	Path       string // of the form
	Back       string
	Address    string // for the git host; empty while there is none
	Secret     string // just made: shown now and never again
	On         bool
	Repository string // this and the next as typed, else the app's
	Branch     string
	Folder     string
	HasToken   bool
	DeployKey  string // the public half, for a repository over SSH
	HostKey    string // of the git host: as typed, else the accepted one
	Asked      bool   // the git host has shown HostKey, and nobody has accepted it
	Deliveries []deliveryRow
	Problems   fieldProblems

	Provider       string // as typed, else the app's; empty: found by itself
	Providers      []choice
	HasStatusToken bool
	Status         statusLine
}

// statusLine is what the git host was told last.
type statusLine struct {
	Release string // empty where it was told nothing
	Path    string // of the release
	State   string
	Fault   string // why the git host did not take it
	Taken   bool
	Open    bool // Berth goes on
}

var providerChoices = []choice{
	{"", "Found by itself"}, {string(webhook.GitHub), "GitHub"}, {string(webhook.Gitea), "Gitea or Forgejo"}, {string(webhook.GitLab), "GitLab"},
}

// deliveryRow is a delivery as the page shows it.
type deliveryRow struct {
	At          time.Time
	From        string
	Result      badge
	Reason      string
	Release     string
	ReleasePath string
}

func (a *admin) webhookViewOf(v *visit, name app.Name, fresh secret.Text) (webhookView, error) {
	kept, err := a.webhooks.Show(v.context(), name)
	if err != nil {
		return webhookView{}, err
	}
	deliveries, err := a.webhooks.Deliveries(v.context(), name)
	if err != nil {
		return webhookView{}, err
	}
	view := webhookView{
		Path: webhookFormPath(name), Back: tabPath(name, tabSettings), Address: a.webhookAddress(v.request(), kept), Secret: fresh.Reveal(),
		On: kept.On || kept.Path == "", Repository: kept.Address, Branch: kept.Branch, Folder: kept.Folder, HasToken: kept.HasToken,
		DeployKey: kept.DeployKey, HostKey: kept.HostKey,
	}
	view.HasStatusToken, view.Provider, view.Providers = kept.HasStatusToken, string(kept.Provider), providerChoices
	if told := kept.Report; told.State != "" {
		view.Status = statusLine{strconv.FormatInt(told.Release.Number, 10), releasePath(told.Release), string(told.State), told.Fault, told.Taken, told.Open}
	}
	for _, one := range deliveries {
		view.Deliveries = append(view.Deliveries, deliveryRowOf(name, one))
	}
	return view, nil
}

func deliveryRowOf(name app.Name, d inbox.Delivery) deliveryRow {
	row := deliveryRow{At: d.At, From: string(d.Provider), Reason: d.Reason}
	switch d.Result {
	case inbox.Deployed:
		row.Result = badge{"deployed", toneGood}
	case inbox.Ignored:
		row.Result = badge{"ignored", toneIdle}
	default:
		row.Result = badge{"refused", toneBad}
	}
	if d.Release != 0 {
		id := app.ReleaseID{App: name, Number: d.Release}
		row.Release, row.ReleasePath = strconv.FormatInt(d.Release, 10), releasePath(id)
	}
	return row
}

// typed shows what was typed, with its problems.
func (w *webhookView) typed(form url.Values, problems fieldProblems) {
	w.Problems = problems
	if form.Has(remote.FieldAddress) {
		w.On, w.Repository = form.Get(fieldWebhookOn) != "", form.Get(remote.FieldAddress)
		w.Branch, w.Folder = form.Get(fieldWebhookBranch), form.Get(fieldWebhookFolder)
		w.HostKey, w.Provider = form.Get(remote.FieldHostKey), form.Get(fieldWebhookProvider)
	}
	if fault := problems[remote.FieldHostKey]; fault != nil {
		if unknown, asks := errors.AsType[*inbox.UnknownHost](fault); asks {
			w.HostKey, w.Asked = unknown.Shown, true
		}
	}
}

// updateWebhook changes the webhook of an app. The first time it answers with the one page
// that ever shows the secret.
func (a *admin) updateWebhook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	form := v.request().PostForm
	_, fresh, err := a.saveWebhook(v, named.Name, inbox.Settings{
		On: form.Get(fieldWebhookOn) != "", Address: form.Get(remote.FieldAddress), Branch: form.Get(fieldWebhookBranch), Folder: form.Get(fieldWebhookFolder),
		Token: secret.Text(form.Get(remote.FieldToken)), DropToken: form.Get(fieldWebhookDropToken) != "",
		HostKey:     form.Get(remote.FieldHostKey),
		StatusToken: secret.Text(form.Get(inbox.FieldStatusToken)), DropStatusToken: form.Get(fieldDropStatusToken) != "",
		Provider: webhook.Provider(form.Get(fieldWebhookProvider)),
	})
	if err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, webhookFaults(err))
	}
	if fresh != "" {
		return a.showWebhookSecret(v, named.Name, fresh)
	}
	if err := v.notify("The webhook is saved."); err != nil {
		return err
	}
	return v.seeOther(tabPath(named.Name, tabSettings))
}

// remakeWebhook makes a new address and a new secret, and answers with the one page that ever
// shows the secret.
func (a *admin) remakeWebhook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	_, fresh, err := a.renewWebhook(v, named.Name)
	if err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, err)
	}
	return a.showWebhookSecret(v, named.Name, fresh)
}

// fetchBranch deploys the newest commit of the branch, if that is not the one deployed last.
func (a *admin) fetchBranch(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	answer, err := a.fetch(v, named.Name)
	if err != nil {
		return a.refuseOnApp(v, named.Name, tabSettings, err)
	}
	if answer.Release != 0 {
		return v.seeOther(releasePath(app.ReleaseID{App: named.Name, Number: answer.Release}))
	}
	if err := v.notify(answer.Reason); err != nil {
		return err
	}
	return v.seeOther(tabPath(named.Name, tabSettings))
}

func (a *admin) showWebhookSecret(v *visit, name app.Name, fresh secret.Text) error {
	v.request().PostForm = nil // what was typed is saved
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.Webhook.Secret = fresh.Reveal()
	return a.settingsTab(v, page)
}

func webhookFormPath(name app.Name) string { return appPath(name) + "/webhook" }
