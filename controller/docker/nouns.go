package docker

import (
	"fmt"

	"berth/controller/docker/helper"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/controller/docker/printed"
	"berth/controller/docker/traces"
)

// The nouns of the rooms below, under the names that callers know: they import this
// package alone.
type (
	// Instance is one container of an app.
	Instance = link.Instance
	// Condition is how an instance is.
	Condition = link.Condition

	// Place is where a container of the stack can be reached.
	Place = link.Place
	// Published is a port of this machine that leads to a container.
	Published = link.Published
	// Part is the engine, or a program that it comes with.
	Part = link.Part

	// BrokerReport is what the broker refused.
	BrokerReport = link.BrokerReport
	// BrokerRefusal is one call that the broker refused.
	BrokerRefusal = link.BrokerRefusal

	// Image is what the engine says of an image.
	Image = images.Image
	// OwnedImage is an image that this stack made.
	OwnedImage = images.OwnedImage
	// Pulled is an image that came from a registry.
	Pulled = images.Pulled
	// Pulls remembers which images were pulled.
	Pulls = images.Pulls
	// BuildOptions says what to build.
	BuildOptions = images.BuildOptions
	// Disk is the disk that builds are written to.
	Disk = images.Disk
	// BuildError says that a build ended without an image.
	BuildError = images.BuildError
	// PullOptions says which image to have.
	PullOptions = images.PullOptions
	// PullError says that an image could not be had.
	PullError = images.PullError
	// ForgedLabelError says that an image carries a label that only Berth sets.
	ForgedLabelError = images.ForgedLabelError

	// Network is a bridge of one app.
	Network = networks.Network

	// Line is one line that an instance printed.
	Line = printed.Line
	// Cursor is how far somebody has read the outputs of instances.
	Cursor = printed.Cursor

	// Trace is what one container tells of its app.
	Trace = traces.Trace
	// TracedMount is a volume in a container.
	TracedMount = traces.Mount

	// Volume is a named volume of the stack.
	Volume = helper.Volume
	// Access says what a session may do in a volume.
	Access = helper.Access
)

// What a session may do.
const (
	ReadOnly  = helper.ReadOnly
	ReadWrite = helper.ReadWrite
	ReadAside = helper.ReadAside
)

// Where a helper finds its volume, and the sockets that its sessions move to.
const (
	HelperFolder   = helper.HelperFolder
	TransferFolder = helper.TransferFolder
)

// The roles of containers that callers tell apart.
const (
	RoleApp        = link.RoleApp
	RoleProxy      = link.RoleProxy
	RoleController = link.RoleController
)

// ParseCursor reads the text of a cursor; false where it is none.
func ParseCursor(text string) (Cursor, bool) { return printed.ParseCursor(text) }

// What a caller can act on.
var (
	ErrCursor        = printed.ErrCursor       // the output does not go on from there
	ErrNotFound      = link.ErrNotFound        // the engine has no such thing, or not of this stack
	ErrNoBroker      = link.ErrNoBroker        // the engine is reached without the broker
	ErrUnavailable   = link.ErrUnavailable     // the engine did not answer
	ErrVolumeExists  = helper.ErrVolumeExists  // the stack has a volume of that name
	ErrVolumeInUse   = helper.ErrVolumeInUse   // a container has the volume
	ErrForeignVolume = helper.ErrForeignVolume // the volume's name belongs to something else
)

// ReplicaName returns the container name of one of several copies of a service,
// counted from 1; the first has the service's own. No service's name holds a dot.
func ReplicaName(instance string, number int) string {
	if number <= 1 {
		return instance
	}
	return fmt.Sprintf("%s.%d", instance, number)
}
