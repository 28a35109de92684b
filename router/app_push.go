package router

import (
	"net/url"

	"berth/controller/app"
	"berth/controller/push"
)

// The fields of the form about pushes.
const (
	fieldBranch = "branch"
	fieldFolder = "folder"
)

// pushView is the part of the app's page about pushes of git.
type pushView struct {
	Path           string
	Address        string
	SSH            string // the address over SSH; empty where it is off
	Pushed         string // the branch that the command shows
	Branch, Folder string // as typed, else the app's
	Problems       fieldProblems
}

func (a *admin) pushViewOf(v *visit, name app.Name) (pushView, error) {
	settings, err := a.pushes.Settings(v.context(), name)
	if err != nil {
		return pushView{}, err
	}
	view := pushView{
		Path: pushPath(name), Address: "https://" + a.authority(v.request()) + gitAddress(name), SSH: a.sshAddress(string(name) + gitSuffix),
		Branch: settings.Branch, Folder: settings.Folder, Pushed: settings.Branch,
	}
	if view.Pushed == "" {
		view.Pushed = push.DefaultBranch
	}
	return view, nil
}

// typed shows what was typed, with its problems.
func (p *pushView) typed(form url.Values, problems fieldProblems) {
	p.Problems = problems
	if form.Has(fieldBranch) {
		p.Branch, p.Folder = form.Get(fieldBranch), form.Get(fieldFolder)
	}
}

// updatePush changes which branch and folder pushes deploy, from the next push on.
func (a *admin) updatePush(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	if _, err := a.savePush(v, view.Name, typed.Get(fieldBranch), typed.Get(fieldFolder)); err != nil {
		return a.refuseOnApp(v, view.Name, tabSettings, err)
	}
	if err := v.notify("Saved for the next push."); err != nil {
		return err
	}
	return v.seeOther(tabPath(view.Name, tabSettings))
}

// savePush keeps what a person or a program chose.
func (a *admin) savePush(v *visit, name app.Name, branch, folder string) (push.Settings, error) {
	settings, err := push.ParseSettings(branch, folder)
	if err != nil {
		return push.Settings{}, err
	}
	v.done.detail = "branch and folder of git push"
	return settings, a.pushes.UpdateSettings(v.context(), name, settings)
}

func pushPath(name app.Name) string { return appPath(name) + "/push" }
