package controller

import (
	"fmt"
	"time"

	"berth/controller/plan"
)

// ReleaseState is where a release is on its way. Queued, building, starting and
// verifying are under way; the others are final, but for live, which one later
// release supersedes.
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

// UnderWay reports whether the release still has steps before it.
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
	App    AppName
	Number int64
}

// String gives the form used in logs and messages, such as "hello r3".
func (id ReleaseID) String() string { return fmt.Sprintf("%s r%d", id.App, id.Number) }

// stopGrace is what an instance has between SIGTERM and SIGKILL where its service does
// not say.
const stopGrace = 10 * time.Second

// Step is one line of a release's progress: the state entered and when.
type Step struct {
	State ReleaseState
	At    time.Time
}

// Release is a whole snapshot of an app at one deploy, and how that deploy went.
type Release struct {
	ReleaseID
	State ReleaseState
	Steps []Step // in order; the first is queued
	// Archive is a file name inside the uploads folder. It is empty for a rollback, and once
	// nobody needs it: the newest release that did not become live keeps it to be tried again.
	Archive       string
	ArchiveName   string // the name the person gave the file; shown only
	ArchiveBytes  int64
	ArchiveSHA256 string
	RollbackOf    int64    // number of the release whose image this one runs again; 0 for an upload
	NewSettings   bool     // RollbackOf is run again because the settings changed
	Settings      Settings // that it runs with
	Mounts        []Mount  // that it runs with
	Environment   int64    // the environment that it runs with, as the ledger numbers them
	Image         string   // engine id of the main service's image, set after the build
	// Reference is the image to run instead of an archive, as it was asked for, and
	// Digest what its registry answered; empty where no registry did.
	Reference  plan.ImageReference
	Digest     string
	Instances  []string // engine names of its containers, of all services, set after the start
	Address    string   // host:port of the main instance as the proxy reaches it
	Reason     string   // why it failed or was cancelled, safe to show
	Hint       string   // what to do about Reason
	Remedy     Remedy   // what of Hint another try can have at once
	CreatedBy  string   // account or token name
	CreatedAt  time.Time
	FinishedAt time.Time // zero while under way

	NewEnvironment bool // RollbackOf is run again because the environment changed

	// Services are those of an app made from a compose file, in the order in which
	// they start. It is empty for one made from a Dockerfile: there Settings and Image
	// say all. Runs gives them in either case.
	Services []ServiceRun
}
