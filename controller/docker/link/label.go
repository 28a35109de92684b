package link

import (
	"strconv"

	"github.com/docker/docker/api/types/filters"
)

// The labels on everything that Berth creates in the engine. They own: a name
// never does.
const (
	LabelStack   = "berth.stack"
	LabelApp     = "berth.app"
	LabelRelease = "berth.release"
	LabelRole    = "berth.role"
	LabelService = "berth.service"
	LabelFiles   = "berth.files" // a hash of what was added to an image
	LabelPort    = "berth.port"  // the port that the instance was told to listen on
	LabelVolume  = "berth.volume"
	LabelEgress  = "berth.egress" // of a network that leads nowhere by itself: list or none
	// LabelSeed is on a container that stands for volumes that are being filled: whom they
	// are for, as numbers.
	LabelSeed = "berth.seed"
	// LabelRecord is on an instance: what the ledger knows of its release, without values
	// that could be secrets, so that a lost ledger can be made again.
	LabelRecord = "berth.record"
	// LabelDescription is what a person wrote about a volume.
	LabelDescription = "berth.description"
)

// The roles of things in the engine.
const (
	RoleApp     = "app"
	RoleBuild   = "build"
	RoleFiles   = "files"   // an image with the configs of a service
	RoleSecrets = "secrets" // what keeps an instance's secrets in memory
	RoleNetwork = "network"
	RoleProbe   = "probe" // the network of a probe
	RoleProxy   = "proxy"
	RoleEgress  = "egress" // the only way out of networks that lead nowhere by themselves
	// RoleController is the container of the controller, which the compose file makes.
	RoleController = "controller"
	RoleVolume     = "volume"
	// RoleTransfer is the volume for sockets between the controller and its helpers, which
	// the compose file makes.
	RoleTransfer = "transfer"
	RoleHelper   = "helper" // a container that works in a volume or on an image, and the former's image
)

// OwnLabels are the labels of a thing that belongs to one release of an app.
func (l *Link) OwnLabels(role, app string, release int64) map[string]string {
	return map[string]string{
		LabelStack:   l.Stack,
		LabelApp:     l.Handles.Of(app),
		LabelRelease: strconv.FormatInt(release, 10),
		LabelRole:    role,
	}
}

// OfApp is the label of what belongs to an app, as Owned takes it.
func (l *Link) OfApp(app string) string { return LabelApp + "=" + l.Handles.Of(app) }

// App is the name of the app that labels are about; empty where they are about none.
func (l *Link) App(labels map[string]string) string { return l.Handles.Name(labels[LabelApp]) }

// Owned selects what carries the stack's label and the given ones, each as
// "key=value".
func (l *Link) Owned(labels ...string) filters.Args {
	selection := filters.NewArgs(filters.Arg("label", LabelStack+"="+l.Stack))
	for _, label := range labels {
		selection.Add("label", label)
	}
	return selection
}

// SecretsMount are the options of the memory that holds an instance's secrets.
const SecretsMount = "size=5m,mode=0755,noexec,nosuid,nodev" //nolint:gosec // how it is mounted, not what it holds

// CacheNamespace is the build argument that keeps an app's cache mounts
// (RUN --mount=type=cache) apart from those of every other app.
const CacheNamespace = "BUILDKIT_CACHE_MOUNT_NS"

// KillFirst makes the kernel end what Berth starts before the engine, the proxy or
// Berth when the whole machine runs out of memory.
const KillFirst = 500

// BridgeWithoutAddress is the option of a network on which the machine has no address.
const BridgeWithoutAddress = "com.docker.network.bridge.inhibit_ipv4"
