package controller

import (
	"io"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/uploads"
	"berth/traefik"
)

// Upload is a person's wish for a new app, every field parsed.
type Upload struct {
	Name   app.Name
	Route  traefik.Route
	Port   uint16 // 0 lets the image decide
	Mounts []app.Mount
	// Database is the waiver, for the services whose image is a known database.
	Database bool
	// Fallback lets a static site answer unknown paths with its index.html.
	Fallback bool
	// Environment is what the app is to have from its first release on: a compose file
	// may not be read without.
	Environment []app.VariableWish
	Archive     *uploads.Archive
	// Image is run as it is; it stands in place of Archive.
	Image plan.ImageReference
	By    string // account or token name
}

// Receive receives an archive in full, as uploads.Folder.Receive does.
func (c *Controller) Receive(r io.Reader) (*uploads.Archive, error) { return c.uploads.Receive(r) }
