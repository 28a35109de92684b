// Package moving moves an app with its data to another server while the app runs, and lets its routes lead there.
package moving

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/pinned"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Step is one step of a move. The ledger names it before it begins, and it can be done again.
type Step string

// The steps, in their order.
const (
	StepCheck      Step = "check"      // the other server takes the app, and has room
	StepVolumes    Step = "volumes"    // all data goes there while the app runs here
	StepStop       Step = "stop"       // the app is stopped here
	StepDifference Step = "difference" // what changed meanwhile goes there
	StepDeploy     Step = "deploy"     // the archive or image goes there, with settings and variables
	StepVerify     Step = "verify"     // the release there becomes live
	StepRedirect   Step = "redirect"   // the routes here lead there
)

// Steps are all steps, in their order.
func Steps() []Step {
	return []Step{StepCheck, StepVolumes, StepStop, StepDifference, StepDeploy, StepVerify, StepRedirect}
}

// State is what became of a move.
type State string

// The states of a move.
const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Move is the latest move of an app, as the ledger keeps it.
type Move struct {
	App         app.Name
	To          string // the address of the other server
	Fingerprint string // of the certificate of the other server; empty where an authority vouches for it
	Private     bool   // the other server may be in a private network
	Address     string // a further route of the app there, which the routes here lead to; empty is none
	Token       []byte // sealed; empty once the move has ended
	Step        Step
	State       State
	WasRunning  bool   // before the move
	Reason      string // why it failed, and what was left out
	Hint        string
	Target      string // the address of the app there, which the routes here lead to; empty where there is none
	By          string // account or token name
	BeganAt     time.Time
	EndedAt     time.Time // zero while it runs
}

// Ledger keeps moves. Every method is one transaction.
type Ledger interface {
	// SaveMove adds the move of an app, or replaces it. It does nothing for an app that is gone.
	SaveMove(context.Context, Move) error
	// FindMove returns problem.ErrNotFound where the app has no move.
	FindMove(context.Context, app.Name) (Move, error)
	ListMoves(context.Context) ([]Move, error) // by app
	DeleteMove(context.Context, app.Name) error
	// FindLive returns an app and its live release, if any. It returns problem.ErrNotFound
	// where there is no such app.
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
	ListUnderWay(context.Context) ([]app.Release, error)
}

// Dial connects to the other server.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Wish is a move that a person asks for.
type Wish struct {
	App         app.Name
	To          string // https://other.example.com:8001
	Token       secret.Text
	Fingerprint string // SHA-256 of the other server's certificate; may be empty
	Private     bool   // a private network may be dialled
	Address     string // a further route of the app there; may be empty
	By          string
}

// check returns the wish as it is kept, or all that is wrong with it.
func (w Wish) check() (Wish, error) {
	var faults problem.Problems
	to, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(w.To), "/"))
	if err != nil || to.Scheme != "https" || to.Host == "" || to.User != nil || to.Path != "" || to.RawQuery != "" || to.Fragment != "" {
		faults = append(faults, problem.Invalid("This is not the address of a server.", "Write it as https://other.example.com:8001, the address of its admin page.").At("to"))
	} else {
		w.To = to.String()
	}
	if w.Token == "" {
		faults = append(faults, problem.Invalid("There is no token.", "Make a token of the scope admin on the other server, under Settings.").At("token"))
	}
	if w.Fingerprint != "" && !pinned.Valid(w.Fingerprint) {
		faults = append(faults, problem.Invalid("This is not the fingerprint of a certificate.", "Write the SHA-256 of the certificate, 64 hexadecimal digits with or without colons.").At("fingerprint"))
	}
	if len(faults) > 0 {
		return Wish{}, faults
	}
	return w, nil
}

// Progress is how far the step of a move is. It is zero where nothing is counted.
type Progress struct {
	Bytes int64 // that were sent in this step
	Total int64 // that are expected; 0 is not known
	Rate  int64 // bytes in a second
}
