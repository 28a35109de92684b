package router

import (
	"errors"
	"slices"

	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/label"
	"berth/controller/problem"
	"berth/controller/remote"
	"berth/controller/tagwatch"
	"berth/controller/webhook/inbox"
)

// appTab is one of the pages of an app, each with an address of its own.
type appTab string

const (
	tabOverview    appTab = "overview"
	tabLogs        appTab = "logs"
	tabReleases    appTab = "releases"
	tabEnvironment appTab = "environment"
	tabDomains     appTab = "routes"
	tabVolumes     appTab = "volumes"
	tabAccess      appTab = "access"
	tabSettings    appTab = "settings"
)

// appTabs is the bar of an app's pages.
type appTabs struct {
	App  app.Name
	Open appTab
}

// appTabLink is an entry of the bar.
type appTabLink struct {
	Label, Path string
	Open        bool
	Was         string // the anchor that its content had when an app had one page
}

// Links are the entries of the bar.
func (t appTabs) Links() []appTabLink {
	entry := func(tab appTab, label, was string) appTabLink {
		if t.Open != tabOverview { // old addresses lead to the Overview
			was = ""
		}
		return appTabLink{label, tabPath(t.App, tab), t.Open == tab, was}
	}
	return []appTabLink{
		entry(tabOverview, "Overview", ""), entry(tabLogs, "Logs", ""), entry(tabReleases, "Releases", "releases"),
		entry(tabEnvironment, "Environment", ""), entry(tabDomains, "Domains", "certificates"), entry(tabVolumes, "Volumes", "volumes"),
		entry(tabAccess, "Access", "outgoing"), entry(tabSettings, "Settings", "settings"),
	}
}

// tabPath is the address of one of an app's pages.
func tabPath(name app.Name, tab appTab) string {
	if tab == tabOverview {
		return appPath(name)
	}
	return appPath(name) + "/" + string(tab)
}

// on puts the page into an app's tab.
func (f frame) on(name app.Name, tab appTab) frame {
	f.Section, f.AppTabs = "apps", &appTabs{name, tab}
	return f
}

func (a *admin) showApp(v *visit) error         { return a.showTab(v, tabOverview) }
func (a *admin) showReleases(v *visit) error    { return a.showTab(v, tabReleases) }
func (a *admin) showAppVolumes(v *visit) error  { return a.showTab(v, tabVolumes) }
func (a *admin) showAppSettings(v *visit) error { return a.showTab(v, tabSettings) }

func (a *admin) showTab(v *visit, tab appTab) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	return a.appForm(v, name, tab, nil)
}

// appForm shows a tab of the app's, with what was typed on it and what is wrong with that.
func (a *admin) appForm(v *visit, name app.Name, tab appTab, problems fieldProblems) error {
	page, err := a.appPage(v, name)
	if err != nil {
		return err
	}
	page.Problems, page.Problem = problems, problems[""]
	v.refund() // nothing was accepted
	switch tab {
	case tabReleases:
		page.frame = page.on(name, tab)
		page.Title = "Releases of " + string(name)
		return v.page(problems.status(), "app_releases", page)
	case tabVolumes:
		return a.volumesTab(v, page)
	case tabSettings:
		return a.settingsTab(v, page)
	default:
		return a.overviewTab(v, page)
	}
}

// refuseOnApp shows a tab of the app's with the reason why an action was refused. What has
// no field of its own there is said above all.
func (a *admin) refuseOnApp(v *visit, name app.Name, tab appTab, err error) error {
	if !isShown(err) {
		return err
	}
	a.logProblem(v, asProblem(err))
	return a.appForm(v, name, tab, shownProblems(err, tabFields[tab]))
}

// tabFields are the fields of each tab's forms that a problem is said beside.
var tabFields = map[appTab][]string{
	tabOverview: {fieldArchive, fieldImage, fieldDockerfile, app.FieldMain, app.FieldProfiles, app.FieldCompose, app.FieldRootStart, app.FieldBound},
	tabVolumes:  {fieldVolume, fieldTarget},
	tabSettings: slices.Concat(readinessFields, []string{
		hook.FieldService, hook.FieldBefore, hook.FieldAfter, fieldBranch, fieldFolder, remote.FieldAddress, remote.FieldToken, remote.FieldHostKey, inbox.FieldStatusToken, fieldWebhookProvider, fieldWebhookBranch, fieldWebhookFolder, tagwatch.FieldMinutes, label.FieldProject, label.FieldTags, fieldTwinName, fieldTwinRoute, fieldNewName, "confirm",
		fieldPort, fieldMemory, fieldCPU, fieldProcesses, fieldServices, fieldDatabase, fieldWritableRoot,
		app.FieldMain, app.FieldProfiles, app.FieldCompose, app.FieldRootStart, app.FieldBound,
	}),
}

// isShown reports whether the page of a form says the fault, rather than a page of its own.
func isShown(err error) bool {
	switch asProblem(err).Kind {
	case problem.KindNotFound, problem.KindInternal, problem.KindUnauthorized:
		return false
	}
	return true
}

// shownProblems are the faults by field; those of fields that the page has not are under "".
func shownProblems(err error, fields []string) fieldProblems {
	several, ok := errors.AsType[problem.Problems](err)
	if !ok {
		several = problem.Problems{asProblem(err)}
	}
	shown := make(fieldProblems, len(several))
	for _, fault := range several {
		field := fault.Field
		if !slices.Contains(fields, field) {
			field = ""
		}
		shown[field] = fault
	}
	return shown
}
