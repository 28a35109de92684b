package docker

import (
	"strconv"

	"github.com/docker/docker/api/types/filters"
)

// The labels on everything that Berth creates in the engine. They own: a name
// never does.
const (
	labelStack   = "berth.stack"
	labelApp     = "berth.app"
	labelRelease = "berth.release"
	labelRole    = "berth.role"
	labelService = "berth.service"
	labelFiles   = "berth.files" // a hash of what was added to an image
	labelPort    = "berth.port"  // the port that the instance was told to listen on
	labelVolume  = "berth.volume"
	// labelDescription is what a person wrote about a volume.
	labelDescription = "berth.description"
)

// The roles of things in the engine.
const (
	roleApp     = "app"
	roleBuild   = "build"
	roleFiles   = "files"   // an image with the configs of a service
	roleSecrets = "secrets" // what keeps an instance's secrets in memory
	roleNetwork = "network"
	roleProxy   = "proxy"
	roleVolume  = "volume"
	roleHelper  = "helper" // a container that works in a volume or on an image, and the former's image
)

// ownLabels are the labels of a thing that belongs to one release of an app.
func (l *Link) ownLabels(role, app string, release int64) map[string]string {
	return map[string]string{
		labelStack:   l.stack,
		labelApp:     app,
		labelRelease: strconv.FormatInt(release, 10),
		labelRole:    role,
	}
}

// owned selects what carries the stack's label and the given ones, each as
// "key=value".
func (l *Link) owned(labels ...string) filters.Args {
	selection := filters.NewArgs(filters.Arg("label", labelStack+"="+l.stack))
	for _, label := range labels {
		selection.Add("label", label)
	}
	return selection
}

// killFirst makes the kernel end what Berth starts before the engine, the proxy or
// Berth when the whole machine runs out of memory.
const killFirst = 500
