package router

import (
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/traefik"
)

// assetsView is what an app's page says of files that its first page does not find.
type assetsView struct {
	Missing int
	File    string // the first of them
	Path    string // of the app
	Host    string // on which it would find them; empty where none can be named
	Anyway  bool   // the host needs no look at DNS
}

// assetsViewOf is nil where nothing is missing, or where the app has a host of its own
// by now.
func (a *admin) assetsViewOf(view controller.AppView, live app.Release) *assetsView {
	remedy := live.Remedy
	whole := slices.ContainsFunc(slices.Concat(view.Routes, view.Derived), func(r traefik.Route) bool { return r.Path == "/" })
	if remedy.Missing == 0 || whole {
		return nil
	}
	host := a.public.hostOf(view.Name)
	return &assetsView{
		Missing: remedy.Missing, File: remedy.MissingFile, Path: routeText(view.Routes[0]),
		Host: host, Anyway: strings.HasSuffix(host, ".localhost"),
	}
}

// hostOf is a host for the app beside that of the admin app; empty where that has none
// above it.
func (p publicAddress) hostOf(name app.Name) string {
	_, above, _ := strings.Cut(p.adminHost, ".")
	if above != "localhost" && !strings.Contains(above, ".") {
		return ""
	}
	host, err := traefik.ParseHost(string(name) + "." + above)
	if err != nil || string(host) == p.adminHost {
		return ""
	}
	return string(host)
}
