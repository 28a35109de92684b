package desk

import (
	"context"
	"slices"

	"berth/controller/alert"
	"berth/controller/problem"
)

// MuteWish is a mute as a person asks for it.
type MuteWish struct {
	Rule    int64
	Subject string // as a message names it, or its key; empty: the whole rule
	For     alert.MuteTime
	By      string
}

// Mute keeps messages about a rule, or about one subject of it that fires, from being sent.
func (d *Desk) Mute(ctx context.Context, wish MuteWish) (alert.Mute, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return alert.Mute{}, err
	}
	firing := firingOf(book, wish.Rule)
	made := alert.Mute{Rule: wish.Rule, Until: wish.For.From(d.now()), By: wish.By}
	switch at := slices.IndexFunc(firing, func(s alert.Subject) bool { return s.Key() == wish.Subject || s.Words() == wish.Subject }); {
	case wish.Subject != "" && at < 0:
		return alert.Mute{}, problem.NotFound("This alert does not fire.", "See Settings, Alerts for what fires, or mute the whole rule.")
	case wish.Subject != "":
		made.Subject = firing[at].Key()
	case wish.For.UntilOver() && len(firing) == 0:
		return alert.Mute{}, problem.Conflict("Nothing of this rule fires.", "Mute the rule for some hours instead.")
	}
	return made, d.Ledger.SaveMute(ctx, made)
}

// Unmute ends a mute. If the alert still fires, one message says so.
func (d *Desk) Unmute(ctx context.Context, rule int64, subject string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return err
	}
	for _, mute := range book.Mutes {
		if mute.Rule == rule && (mute.Subject == subject || mute.Words() == subject) {
			return d.Ledger.DeleteMute(ctx, mute)
		}
	}
	return problem.NotFound("There is no such mute.", "See Settings, Alerts for what is muted.")
}

// firingOf are the subjects of a rule that fire.
func firingOf(book alert.Book, rule int64) (all []alert.Subject) {
	for _, state := range book.States {
		if state.Rule == rule && state.Phase == alert.Firing {
			all = append(all, state.Subject)
		}
	}
	return all
}
