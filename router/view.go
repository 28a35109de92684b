package router

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/chart"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/traefik"
)

// badge is a state as pages show it: a word, and a tone that the stylesheet colours.
type badge struct {
	Word string
	Tone string
}

const (
	toneGood = "good"
	toneBusy = "busy"
	toneWarn = "warn"
	toneBad  = "bad"
	toneIdle = "idle"
)

func appBadge(state app.State) badge {
	tone := toneIdle
	switch state {
	case app.Waiting:
		return badge{Word: "not deployed", Tone: tone}
	case app.Running:
		tone = toneGood
	case app.Unhealthy:
		tone = toneWarn
	case app.Crashing, app.Down:
		tone = toneBad
	case app.Deleting:
		tone = toneBusy
	}
	return badge{Word: string(state), Tone: tone}
}

// badgeOf is what pages show of an app: its state, and what people did to it.
func badgeOf(view controller.AppView) badge {
	switch {
	case neverDeployed(view):
		return badge{Word: "not deployed", Tone: toneBad}
	case view.Observed.State == app.Running && view.Access.Maintenance.On:
		return badge{Word: "maintenance", Tone: toneWarn}
	default:
		return appBadge(view.Observed.State)
	}
}

// neverDeployed reports whether an app has releases, and none of them came to run.
func neverDeployed(view controller.AppView) bool {
	return view.Live == 0 && view.Latest != nil && !view.Latest.State.UnderWay() && view.Observed.State != app.Deleting
}

func releaseBadge(state app.ReleaseState) badge {
	tone := toneIdle
	switch {
	case state.UnderWay():
		tone = toneBusy
	case state == app.ReleaseLive:
		tone = toneGood
	case state == app.ReleaseFailed:
		tone = toneBad
	case state == app.ReleaseCancelled:
		tone = toneWarn
	}
	return badge{Word: string(state), Tone: tone}
}

// link is an address where an app answers.
type link struct {
	Text string
	URL  string
}

// publicAddress is where the proxy answers browsers.
type publicAddress struct {
	httpPort, httpsPort int
	forceHTTPS          bool

	adminHost string // on which no app answers
	appsHost  string // shown in its place
}

// links are the public addresses of the routes. A route on any host is shown on
// the host that the admin app was asked by, unless no app answers there.
func (p publicAddress) links(r *http.Request, routes []traefik.Route) []link {
	host := normalHost(r.Host)
	if host == p.adminHost {
		host = p.appsHost
	}
	base := p.base(host)
	links := make([]link, 0, len(routes))
	for _, route := range routes {
		links = append(links, link{Text: routeText(route), URL: route.URL(base).String()})
	}
	return links
}

// routeText is the route as people read it: with a host that is not ASCII in both forms.
func routeText(route traefik.Route) string {
	if route.Host.Unicode() == string(route.Host) {
		return route.String()
	}
	return traefik.Route{Host: traefik.Host(route.Host.Unicode()), Path: route.Path}.String() + " (" + route.String() + ")"
}

func (p publicAddress) base(host string) *url.URL {
	scheme, port, usual := "http", p.httpPort, 80
	if p.httpsPort != 0 && (p.forceHTTPS || p.httpPort == 0) {
		scheme, port, usual = "https", p.httpsPort, 443
	}
	authority := net.JoinHostPort(host, strconv.Itoa(port))
	if port == usual || port == 0 {
		authority = host
		if net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
			authority = "[" + host + "]"
		}
	}
	return &url.URL{Scheme: scheme, Host: authority}
}

// appRow is an app as the dashboard and its own page show it.
type appRow struct {
	Name     app.Name
	Path     string // of its page
	State    badge
	Detail   string
	Troubles []string // what no other fact of the row tells
	Project  string   // empty: none
	Tags     []string
	Links    []link
	Reserved []reservedRow // routes that do not answer, because their host is the admin app's
	Live     int64
	Latest   *releaseRow // the newest release, nil where there is none
	UnderWay *releaseRow
	Usage    *usageView
	Spark    chart.Spark // of the processor
	CanStart bool
	CanStop  bool
	Deleting bool
}

// archiveField is the field that takes a file, on both pages that have one.
type archiveField struct {
	MostBytes int64
	Problem   *problem.Problem
}

// composeFile are the names that compose files have in refusals.
var composeFile = regexp.MustCompile(`(?i)(^|/)(docker-)?compose[^/]*\.ya?ml$`)

// Supported is the path of what compose files may hold, where that is what the
// archive was refused for.
func (f archiveField) Supported() string {
	if f.Problem == nil {
		return ""
	}
	if refusal, ok := errors.AsType[*plan.Refusal](f.Problem); ok && composeFile.MatchString(refusal.File) {
		return supportedPath
	}
	return ""
}

// imageField is the field that takes an image in place of a file.
type imageField struct {
	Image   string // as it was typed
	Problem *problem.Problem
}

// dockerfileField is the field that takes the path of a Dockerfile in the archive.
type dockerfileField struct {
	Path    string // as it was typed
	Problem *problem.Problem
}

type usageView struct {
	Memory, Limit int64
	Percent       int // of the limit
	CPU           float64
	At            time.Time
}

// Full reports whether the memory is close to its limit.
func (u usageView) Full() bool { return u.Percent >= 90 }

// reservedRow is a route of an app that does not answer, because its host is the admin app's.
type reservedRow struct {
	App   app.Name
	Route string
	Host  string
	Path  string // of the page where it is changed
}

// reservedRows are the routes of an app that do not answer.
func reservedRows(view controller.AppView) (rows []reservedRow) {
	for _, route := range view.Reserved {
		rows = append(rows, reservedRow{App: view.Name, Route: routeText(route), Host: route.Host.Both(), Path: routesPath(view.Name)})
	}
	return rows
}

// ProjectPath leads to the apps of the same project.
func (r appRow) ProjectPath() string { return projectPath(r.Project) }

// TagPath leads to the apps with a tag.
func (appRow) TagPath(tag string) string { return tagPath(tag) }

// answering are the routes of an app but for those on a host of the admin app.
func answering(view controller.AppView) []traefik.Route {
	return slices.DeleteFunc(slices.Concat(view.Routes, view.Derived), func(r traefik.Route) bool { return slices.Contains(view.Reserved, r) })
}

func (v *visit) appRow(view controller.AppView) appRow {
	row := appRow{
		Name: view.Name, Path: appPath(view.Name), State: badgeOf(view), Detail: view.Observed.Detail,
		Links: v.admin.public.links(v.request(), answering(view)), Live: view.Live,
	}
	row.Reserved = reservedRows(view)
	row.Project, row.Tags = view.Labels.Project, view.Labels.Tags
	if neverDeployed(view) {
		row.Links = nil
	}
	// Only the instance of a live release can be started and stopped.
	if view.Live != 0 && view.Observed.State != app.Deleting {
		// Where Berth has stopped some of its services, it can be both.
		stopped, some := view.Wanted == app.WantedStopped, len(view.Halted) > 0
		row.CanStart = stopped || some || view.Observed.State == app.Stopped
		row.CanStop = !stopped && (some || !row.CanStart)
	}
	if view.Latest != nil {
		latest := releaseRowOf(*view.Latest)
		row.Latest = &latest
	}
	if view.UnderWay != nil {
		underWay := releaseRowOf(*view.UnderWay)
		row.UnderWay = &underWay
	}
	if view.HasUsage && row.CanStop {
		row.Usage = usageOf(view.Usage)
		row.Spark = v.admin.sparks.of(view.Name, v.admin.metrics, v.admin.now())
	}
	return row
}

func usageOf(usage app.Usage) *usageView {
	made := &usageView{Memory: usage.MemoryBytes, Limit: usage.MemoryLimit, CPU: usage.CPUPercent, At: usage.At}
	if usage.MemoryLimit > 0 {
		made.Percent = int(min(100, usage.MemoryBytes*100/usage.MemoryLimit))
	}
	return made
}

// releaseRow is a release as lists show it.
type releaseRow struct {
	App        app.Name
	Number     int64
	Path       string // of its page
	State      badge
	UnderWay   bool
	Failed     bool
	Live       bool
	CreatedAt  time.Time
	FinishedAt time.Time
	By         string
	From       string // what it was made of
	Bytes      int64
	Took       time.Duration // 0 while under way
	Pinned     string        // what tells the image of the release from others; empty where it was built
	Reason     string
	Hint       string
	HasArchive bool // what it was built from can be downloaded
	CanRunBack bool
	CanRetry   bool
}

func releaseRowOf(release app.Release) releaseRow {
	row := releaseRow{
		App: release.App, Number: release.Number, Path: releasePath(release.ReleaseID), State: releaseBadge(release.State),
		UnderWay: release.State.UnderWay(), Failed: release.State == app.ReleaseFailed,
		Live:      release.State == app.ReleaseLive,
		CreatedAt: release.CreatedAt, FinishedAt: release.FinishedAt,
		By: release.CreatedBy, From: release.ArchiveName, Bytes: release.ArchiveBytes,
		Reason: release.Reason, Hint: release.Hint,
		HasArchive: release.Archive != "",
		CanRunBack: release.State == app.ReleaseSuperseded && release.Image != "",
		CanRetry:   release.CanRetry(),
	}
	if release.Reference != "" {
		row.From, row.Pinned = string(release.Reference), release.Pinned()
	}
	switch release.Cause {
	case app.CauseRollback:
		row.From, row.Bytes = fmt.Sprintf("rollback to r%d", release.RerunOf), 0
	case app.CauseSettings, app.CauseMounts:
		row.From, row.Bytes = fmt.Sprintf("new settings for r%d", release.RerunOf), 0
	case app.CauseEnvironment:
		row.From, row.Bytes = fmt.Sprintf("new environment for r%d", release.RerunOf), 0
	}
	if !release.FinishedAt.IsZero() {
		row.Took = release.FinishedAt.Sub(release.CreatedAt)
	}
	return row
}

func appPath(name app.Name) string { return "/admin/apps/" + string(name) }

func releasePath(id app.ReleaseID) string {
	return fmt.Sprintf("%s/releases/%d", appPath(id.App), id.Number)
}

// plural gives a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// ordinal gives 1st, 2nd, 3rd, 4th.
func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return strconv.Itoa(n) + suffix
}
