package docker

import (
	"maps"
	"slices"
	"strconv"
	"strings"

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
func (e *Engine) ownLabels(role, app string, release int64) map[string]string {
	return map[string]string{
		labelStack:   e.stack,
		labelApp:     app,
		labelRelease: strconv.FormatInt(release, 10),
		labelRole:    role,
	}
}

// owned selects what carries the stack's label and the given ones, each as
// "key=value".
func (e *Engine) owned(labels ...string) filters.Args {
	selection := filters.NewArgs(filters.Arg("label", labelStack+"="+e.stack))
	for _, label := range labels {
		selection.Add("label", label)
	}
	return selection
}

// forgedLabel returns a label of the image that only Berth may set and that
// this stack's builds do not, or "". Labels decide about routes and ownership,
// and whoever writes a Dockerfile writes an image's labels.
func (e *Engine) forgedLabel(labels map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		// The proxy's labels are matched without regard to case.
		lower := strings.ToLower(key)
		if !reserved(lower, "traefik") && !reserved(lower, "berth") {
			continue
		}
		if !e.setByBuild(key, labels) {
			return key
		}
	}
	return ""
}

func reserved(key, namespace string) bool {
	return key == namespace || strings.HasPrefix(key, namespace+".")
}

// setByBuild reports whether key is one that Build sets, on an image that this
// stack built. Build has seen to it that the value is its own (checkLabels), so the
// key is enough.
func (e *Engine) setByBuild(key string, labels map[string]string) bool {
	if labels[labelStack] != e.stack || labels[labelRole] != roleBuild {
		return false
	}
	switch key {
	case labelStack, labelApp, labelRelease, labelRole, labelService:
		return true
	default:
		return false
	}
}
