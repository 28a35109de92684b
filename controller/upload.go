package controller

import (
	"io"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/uploads"
	"berth/traefik"
)

// Upload is a person's wish for an app or for its next release, every field parsed. One
// of Archive, Held and Image says what it is made of.
type Upload struct {
	Name app.Name
	Next bool   // the next release of the app Name, which has its own settings; else a new app
	By   string // account or token name

	Archive *uploads.Archive
	Held    HeldKey             // of an archive that was received before, and waits
	Image   plan.ImageReference // is run as it is

	Dockerfile string // of what is held, in place of the usual one; a path of uploads.ParseDockerfile

	// Settings are those of a new app, but for its limits. For a next release, they
	// replace the app's own from then on; nil leaves those.
	Settings  *app.Settings
	OwnLimits bool // a new app has the limits of Settings too
	// Environment is what the app is to have from this release on: a compose file may not
	// be read without.
	Environment []app.VariableWish
	Plain       []string // names of variables that a template asks for and that are no secrets

	asked []app.TemplateVariable // by examineUpload: what a template asks for and the app lacks

	// What follows is for a new app alone.

	Route traefik.Route
	// Routes are those of single services, in place of the ones that a compose file asks
	// for; nil means those of the file.
	Routes []plan.RouteWish
	Mounts []app.Mount
	Access traefik.Access
}

// Receive receives an archive in full, as uploads.Folder.Receive does.
func (c *Controller) Receive(r io.Reader) (*uploads.Archive, error) { return c.uploads.Receive(r) }
