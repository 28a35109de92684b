// Package hook runs a command of an app before a backup, such as a dump of a database, and one after it.
package hook

import (
	"context"
	"fmt"

	"berth/controller/app"
	"berth/controller/oneoff"
	"berth/controller/problem"
)

// The fields that problems name.
const (
	FieldService = "backup_service"
	FieldBefore  = "backup_before"
	FieldAfter   = "backup_after"
)

// Hook is what runs around the backups of an app. No shell reads the commands: each is a
// program of the service's image and its arguments.
type Hook struct {
	App     app.Name
	Service string // whose image, user, variables and volumes they have
	Before  []string
	After   []string // empty: nothing
}

// Parse checks a hook for what is live, and says all that is wrong. An empty service is
// the main one.
func Parse(wish Hook, live app.Release) (Hook, error) {
	var faults problem.Problems
	if wish.Service == "" {
		wish.Service = live.MainRun().Spec.Name
	}
	if run, found := oneoff.Find(live, wish.Service); !found {
		faults = append(faults, oneoff.NoService(live, wish.Service).At(FieldService))
	} else if len(run.Written(live)) == 0 {
		faults = append(faults, problem.Invalid(
			"The service writes into no volume, so what the command writes would not be in the backup.", "Choose a service that has a volume.").At(FieldService))
	}
	if len(wish.Before) == 0 {
		faults = append(faults, problem.Invalid("The command before the backup is missing.", "Write a program and its arguments.").At(FieldBefore))
	}
	if fault := oneoff.Check(wish.Before); fault != nil {
		faults = append(faults, fault.At(FieldBefore))
	}
	if fault := oneoff.Check(wish.After); fault != nil {
		faults = append(faults, fault.At(FieldAfter))
	}
	if len(faults) > 0 {
		return Hook{}, faults
	}
	return wish, nil
}

// View is what a page shows of an app.
type View struct {
	Hook     Hook // the zero Hook where there is none
	Services []string
	Offers   []Offer
}

// View returns the hook of an app and what it could be. It asks the ledger alone.
func (h Hooks) View(ctx context.Context, name app.Name) (View, error) {
	_, live, err := h.Ledger.FindLive(ctx, name)
	if err != nil {
		return View{}, err
	}
	found, err := h.Ledger.FindHook(ctx, name)
	return View{found, services(live), Offers(live)}, problem.IgnoreMissing(err)
}

// Save gives an app a hook, in place of the one that it has. Problems name the fields.
func (h Hooks) Save(ctx context.Context, wish Hook) error {
	_, live, err := h.Ledger.FindLive(ctx, wish.App)
	if err != nil {
		return err
	}
	if live.Number == 0 {
		return problem.Conflict(fmt.Sprintf("The app %s has no live release.", wish.App), "Deploy it first.")
	}
	if wish, err = Parse(wish, live); err != nil {
		return err
	}
	return h.Ledger.SaveHook(ctx, wish)
}

// Delete takes the hook of an app away; none is fine.
func (h Hooks) Delete(ctx context.Context, name app.Name) error {
	return h.Ledger.DeleteHook(ctx, name)
}

func services(live app.Release) []string {
	var names []string
	for _, run := range live.Services {
		names = append(names, run.Spec.Name)
	}
	return names
}
