package docker

import (
	"fmt"

	"berth/controller/plan"
	"berth/controller/volume"
)

// InstanceName returns the container name of one service of a release, which is
// also its DNS name on the app's network. It is known before the container is.
func (e *Engine) InstanceName(app string, release int64, service string) string {
	name := fmt.Sprintf("%s-%s-r%d", e.stack, app, release)
	if service == "" || service == plan.MainService {
		return name
	}
	return name + "-" + service
}

// networkName returns the name of an app's network. It sorts after the proxy's
// own network, STACK-0-edge: engines before 28 publish a container's ports on
// the network that sorts first, and must not move them to an app's.
func (e *Engine) networkName(app string) string { return e.stack + "-app-" + app }

func (e *Engine) imageTag(app string, release int64) string {
	return fmt.Sprintf("%s/%s:r%d", e.stack, app, release)
}

// volumeName returns the engine's name of a volume. No app's instance, whose
// names have a release, and no volume of the stack itself has such a name.
func (e *Engine) volumeName(name volume.Name) string { return e.stack + "-vol-" + string(name) }
