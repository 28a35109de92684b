package link

import (
	"crypto/rand"
	"fmt"

	"berth/controller/plan"
	"berth/controller/volume"
)

// InstanceName returns the container name of one service of a release, which is
// also its DNS name on the app's network. It is known before the container is.
func (l *Link) InstanceName(app string, release int64, service string) string {
	name := fmt.Sprintf("%s-%s-r%d", l.Stack, l.Handles.Of(app), release)
	if service == "" || service == plan.MainService {
		return name
	}
	// No app's name holds a dot, so no service can make an instance's name of another app's.
	return name + "." + service
}

// NetworkName returns the name of an app's network, or of a release's own. It
// sorts after the proxy's own network, STACK-0-edge: engines before 28 publish a
// container's ports on the network that sorts first, and must not move them to an
// app's. No app's name holds a dot, so a release's is no other app's.
func (l *Link) NetworkName(app string, release int64) string {
	name := l.Stack + "-app-" + l.Handles.Of(app)
	if release == 0 {
		return name
	}
	return fmt.Sprintf("%s.r%d", name, release)
}

// ProbeNetworkName returns the name of a probe's network, which sorts as an app's does.
func (l *Link) ProbeNetworkName(unique string) string { return l.Stack + "-probe-" + unique }

// ImageTag returns a new name for an image, another one each time. BuildKit takes
// a local image for any name that a Dockerfile copies from: who could guess the
// name of another app's image could read it.
func (l *Link) ImageTag(app string, release int64, service string) string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	tag := fmt.Sprintf("%s/%s:r%d-%x", l.Stack, l.Handles.Of(app), release, random)
	if service == "" || service == plan.MainService {
		return tag
	}
	return tag + "." + service
}

// VolumeName returns the engine's name of a volume. No app's instance, whose
// names have a release, and no volume of the stack itself has such a name.
func (l *Link) VolumeName(name volume.Name) string { return l.Stack + "-vol-" + string(name) }

// ExitName returns the name of the container that is the only way out of closed networks,
// which is its DNS name on them too. No app's instance has it: their names have a release.
func (l *Link) ExitName() string { return l.Stack + "-egress" }

// ExitNetworkName returns the name of the network that leads the exit outside.
func (l *Link) ExitNetworkName() string { return l.Stack + "-0-egress" }

// TransferName returns the name of the volume for sockets between the controller and its
// helpers, which the compose file makes.
func (l *Link) TransferName() string { return l.Stack + "-transfer" }
