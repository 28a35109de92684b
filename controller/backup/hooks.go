package backup

import (
	"context"
	"fmt"

	"berth/controller/backup/hook"
)

// Hooks runs the commands of apps around a backup. hook.Hooks is the one there is.
type Hooks interface {
	List(context.Context) ([]hook.Hook, error)
	Run(ctx context.Context, of hook.Hook, command []string) error
}

// before runs the commands before the backup, and returns those to run after it. A command
// that fails is a warning of the run: the volumes are in the backup as they are, without
// what the command has written so far.
func (b *Backups) before(ctx context.Context, run *Run) (after []hook.Hook, err error) {
	hooks, err := b.o.Hooks.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list hooks: %w", err)
	}
	noted := begun{BeganAt: run.BeganAt, By: run.By}
	for _, of := range hooks {
		noted.After = append(noted.After, of.App)
		b.remember(noted)
		if b.command(ctx, run, of, "before", of.Before) {
			after = append(after, of)
		} else {
			b.after(ctx, run, of)
		}
	}
	return after, ctx.Err()
}

// after runs the command after the backup of an app, for a moment also where Berth stops.
func (b *Backups) after(ctx context.Context, run *Run, of hook.Hook) {
	if len(of.After) == 0 {
		return
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), stopping)
		defer cancel()
	}
	b.command(ctx, run, of, "after", of.After)
}

func (b *Backups) command(ctx context.Context, run *Run, of hook.Hook, when string, command []string) bool {
	b.note(func(p *Progress) {
		p.Part = fmt.Sprintf("nothing yet, while the command %s the backup of %s runs", when, of.App)
	})
	err := b.o.Hooks.Run(ctx, of, command)
	if err == nil {
		return true
	}
	b.o.Logger.Warn("run command around a backup", "app", string(of.App), "when", when, "error", err)
	said := fmt.Sprintf("The command %s the backup of %s failed. %s", when, of.App, reasonOf(err))
	if when == "before" {
		said += " The backup has the volumes of the app as they were, without a new dump."
	}
	run.Warnings = append(run.Warnings, said)
	return false
}
