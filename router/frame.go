package router

import (
	"crypto/rand"

	"berth/controller/problem"
)

// frame is what every page has around its content.
type frame struct {
	Title     string
	Section   string   // which entry of the navigation is the present one
	Tab       string   // which page of the settings is the present one
	AppTabs   *appTabs // of an app's page
	FormToken string
	Once      string           // of the forms of an upload on this page: fieldOnce
	Account   string           // empty where nobody is signed in: then there is no navigation
	Program   string           // the version of Berth that runs; a page may have a Version of what it shows
	Notice    string           // what the last form did
	Undo      *undoView        // beside the notice, nil where nothing can be undone
	Problem   *problem.Problem // why it did not
	Reload    bool             // without script, load the page again every few seconds
	Trouble   bool             // an app is down or an alert fires: the icon of the tab shows it
	Theme     string           // light or dark where this browser chose one
	Here      string           // path of the page; empty where it answers a form
	Bare      bool             // no navigation: there is nowhere else to go yet

	visit *visit // whom it answers; nil without forms
}

// LimitsPath leads to where a limit can be changed, where one is the problem.
func (f frame) LimitsPath() string {
	if f.Problem == nil || f.Problem.Kind != problem.KindLimited || f.Account == "" {
		return ""
	}
	return limitsPath
}

// frame makes the frame of a page, and takes the notice that waits for it.
func (v *visit) frame(title string) frame {
	made := frame{
		Title: title, FormToken: v.formToken(), Once: rand.Text(), Account: v.caller.account.Name, Program: v.admin.version,
		Trouble: v.caller.signedIn() && v.admin.trouble.of(v), Theme: v.theme(), Here: v.here(), visit: v,
	}
	if notice, ok := v.session().Get(noticeKey).(string); ok && !v.route.stream {
		made.Notice, made.Undo = notice, v.takeUndo()
		v.session().Delete(noticeKey)
		if err := v.session().Save(); err != nil { // worst case it is shown twice
			v.admin.logger.WarnContext(v.context(), "forget notice", "request_id", requestID(v.gin), "error", err)
		}
	}
	return made
}
