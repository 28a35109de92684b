package app

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/volume"
)

// ReleaseState is the place of a release on its way. Queued, building, starting and
// verifying are under way. The other states are final, except live: one later release
// supersedes a live one.
type ReleaseState string

// The states of a release, in the order in which it passes them.
const (
	ReleaseQueued     ReleaseState = "queued"
	ReleaseBuilding   ReleaseState = "building"
	ReleaseStarting   ReleaseState = "starting"
	ReleaseVerifying  ReleaseState = "verifying"
	ReleaseLive       ReleaseState = "live"
	ReleaseSuperseded ReleaseState = "superseded"
	ReleaseFailed     ReleaseState = "failed"
	ReleaseCancelled  ReleaseState = "cancelled"
)

// UnderWay reports whether the release has more steps before it.
func (s ReleaseState) UnderWay() bool {
	switch s {
	case ReleaseQueued, ReleaseBuilding, ReleaseStarting, ReleaseVerifying:
		return true
	default:
		return false
	}
}

// ReleaseID names one release: the Number-th of its app, from 1.
type ReleaseID struct {
	App    Name
	Number int64
}

// String gives the form used in logs and messages, such as "hello r3".
func (id ReleaseID) String() string { return fmt.Sprintf("%s r%d", id.App, id.Number) }

// StopGrace is the time of an instance between SIGTERM and SIGKILL, unless its service
// sets one.
const StopGrace = 10 * time.Second

// Step is one line of a release's progress: the state entered and when.
type Step struct {
	State ReleaseState
	At    time.Time
}

// Release is a whole snapshot of an app at one deploy, and the course of that deploy.
type Release struct {
	ReleaseID
	State ReleaseState
	Steps []Step // in order; the first is queued
	// Archive is a file name inside the uploads folder. It is empty for a rollback, and
	// after the file is no longer needed: the newest release that did not become live
	// keeps it for a retry.
	Archive       string
	ArchiveName   string // the person's name for the file; only shown
	ArchiveBytes  int64
	ArchiveSHA256 string
	Cause         Cause
	RerunOf       int64    // number of the release whose images this release runs again; 0 for CauseUpload
	Settings      Settings // of this release
	Mounts        []Mount  // of this release
	Environment   int64    // the number of its environment in the ledger
	Image         string   // engine id of the main service's image, set after the build
	// Reference is the image that the person asked for in place of an archive. Digest is
	// the registry's answer; empty if no registry answered.
	Reference plan.ImageReference
	Digest    string
	Instances []string // engine names of its containers, of all services, set after the start
	Address   string   // host:port of the main instance for the proxy
	// Addresses are the host:port of all services for the proxy, by name, as far as they are
	// known. A service of an archive without a compose file is not in it.
	Addresses  map[string]string
	Reason     string         // why it failed or was cancelled, safe to show
	Hint       string         // the next step after Reason
	Remedy     problem.Remedy // the part of Hint that a retry can apply at once
	CreatedBy  string         // account or token name
	CreatedAt  time.Time
	FinishedAt time.Time // zero while under way

	// Services are in their order of start. It is empty until the release is planned.
	Services []ServiceRun

	Handle Name // of the app
}

// OwnVolume is the volume of the app that a compose file calls own. It keeps its name when
// the app is renamed.
func (r Release) OwnVolume(own string) volume.Name {
	return volume.OfApp(string(cmp.Or(r.Handle, r.App)), own)
}

// Key is the handle of the app.
func (a App) Key() Name { return cmp.Or(a.Handle, a.Name) }

// Cause says why a release exists.
type Cause string

// The causes of a release. All but CauseUpload run the images of an earlier release again.
const (
	CauseUpload      Cause = "upload" // a person gave an archive or an image
	CauseRollback    Cause = "rollback"
	CauseSettings    Cause = "settings"
	CauseEnvironment Cause = "environment"
	CauseMounts      Cause = "mounts"
)

// Berth is who asks for the releases that nobody clicked for.
const Berth = "berth"

// Graces is the time that the instances of the release have to end, one after the other.
func (r Release) Graces() (sum time.Duration) {
	for _, name := range r.Instances {
		sum += r.GraceOf(name)
	}
	return sum
}

// GraceOf is the time that an instance of the release has to end.
func (r Release) GraceOf(instance string) time.Duration {
	for _, run := range r.Services {
		if slices.Contains(run.Instances, instance) {
			return cmp.Or(run.Spec.Stop.Grace, StopGrace)
		}
	}
	return StopGrace
}

// Pinned identifies an image: by the digest of its registry, or by the engine's id if
// there is no digest.
func Pinned(digest, id string) string {
	if digest != "" {
		return digest
	}
	return id
}

// Pinned is the image that the release runs, whatever its tag means now. It is empty for
// a built image, and before the image is there.
func (r Release) Pinned() string {
	if r.Reference == "" {
		return ""
	}
	return Pinned(r.Digest, r.Image)
}

// CanRetry reports whether the release can be tried again: its archive, image or earlier
// release still exists.
func (r Release) CanRetry() bool {
	ended := r.State == ReleaseFailed || r.State == ReleaseCancelled
	return ended && r.hasSource()
}

// MadeAs reports whether two releases come from the same archive, image or earlier
// release.
func (r Release) MadeAs(other Release) bool {
	return r.hasSource() && r.Archive == other.Archive && r.Reference == other.Reference &&
		r.Cause == other.Cause && r.RerunOf == other.RerunOf
}

// hasSource reports whether it is known what the release was made from.
func (r Release) hasSource() bool { return r.Archive != "" || r.Reference != "" || r.RerunOf != 0 }
