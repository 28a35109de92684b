package hook

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/oneoff"
	"berth/controller/printable"
	"berth/controller/problem"
)

const (
	hookTimeout  = 30 * time.Minute // for one command
	mostLastWord = 300              // bytes of what it printed last
	correct      = "Correct the command on the app's page."
)

// Ledger keeps the hooks of apps.
type Ledger interface {
	ListHooks(context.Context) ([]Hook, error)
	FindHook(context.Context, app.Name) (Hook, error)
	SaveHook(context.Context, Hook) error
	DeleteHook(context.Context, app.Name) error
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
}

// Commands runs commands. oneoff.Runner is the one there is.
type Commands interface {
	Run(context.Context, oneoff.Wish, func(oneoff.Line) error) (oneoff.Outcome, error)
}

// Hooks keeps the hooks of apps and runs their commands.
type Hooks struct {
	Ledger   Ledger
	Commands Commands
}

// List returns the hooks of the apps that run. An app that is stopped writes nothing, and
// answers no command.
func (h Hooks) List(ctx context.Context) ([]Hook, error) {
	all, err := h.Ledger.ListHooks(ctx)
	if err != nil {
		return nil, err
	}
	var due []Hook
	for _, one := range all {
		found, _, err := h.Ledger.FindLive(ctx, one.App)
		if err := problem.IgnoreMissing(err); err != nil {
			return nil, err
		}
		if found.Live != 0 && found.Wanted == app.WantedRunning {
			due = append(due, one)
		}
	}
	return due, nil
}

// Run runs one command of a hook beside the service, and waits for its end. A Problem says
// in words why it failed.
func (h Hooks) Run(ctx context.Context, of Hook, command []string) error {
	last := ""
	wish := oneoff.Wish{App: of.App, Service: of.Service, Command: command, Kind: "hook", Most: hookTimeout}
	outcome, err := h.Commands.Run(ctx, wish, func(line oneoff.Line) error {
		last = cmp.Or(line.Text, last)
		return nil
	})
	switch {
	case problem.KindOf(err) == problem.KindInvalid:
		return problem.Conflict(fmt.Sprintf("The app has no service %s any more.", of.Service), "Choose another service for the command on the app's page.")
	case err != nil || outcome == oneoff.Outcome{}:
		return err
	}
	return failed(outcome, printable.Name(last, mostLastWord))
}

func failed(outcome oneoff.Outcome, last string) error {
	message := fmt.Sprintf("The command ended with the exit code %d.", outcome.ExitCode)
	if outcome.OOMKilled {
		message = "The command needed more memory than the service may have."
	}
	if last != "" {
		message += " It said last: " + last + "."
	}
	return problem.Conflict(message, correct)
}
