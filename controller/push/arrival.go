package push

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/app"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/snapshot"
	"berth/controller/push/wire"
)

// arrival is one push on its way.
type arrival struct {
	pushes  *Pushes
	name    app.Name
	request wire.Request
	body    io.Reader
	answer  *wire.Answer
	door    Door
}

// receive does what was asked for, or nothing.
func (a *arrival) receive(ctx context.Context) error {
	done, free := a.pushes.take(a.name)
	if !free {
		return problem.Conflict(fmt.Sprintf("Another push of %s is under way.", a.name), "Wait until it has ended, and push again.")
	}
	defer done()
	settings, err := a.pushes.ledger.FindPushSettings(ctx, a.name)
	if err != nil {
		return err
	}
	command, branch, err := settings.choose(a.request.Commands)
	if err != nil {
		return err
	}
	if err := a.pushes.noRoom(); err != nil {
		return err
	}
	if err := a.door.Admit(ctx); err != nil {
		return err
	}
	repository, err := a.pushes.open(ctx, a.name)
	if err != nil {
		return err
	}
	defer func() { _ = repository.close() }() // what is to be kept was kept in the open
	wish := Wish{App: a.name, Branch: branch, Commit: command.New}
	if err := a.deploy(ctx, repository, settings.Folder, command, wish); err != nil {
		if errors.Is(err, pack.ErrMissing) {
			err = errors.Join(err, empty(repository.root)) // so that the next push is whole
		}
		return err
	}
	if settings.Branch == "" {
		settings.Branch = branch
		if err := a.pushes.ledger.SavePushSettings(ctx, a.name, settings); err != nil {
			return err
		}
	}
	return repository.keep(wire.Ref{Name: command.Ref, ID: command.New})
}

// deploy receives the objects, and hands the files of the commit on.
func (a *arrival) deploy(ctx context.Context, into *repository, folder string, command wire.Command, wish Wish) error {
	if err := checkOld(into.ref, command); err != nil {
		return err
	}
	files, err := a.snapshot(ctx, into.objects, folder, command.New)
	if err != nil {
		return err
	}
	wish.Files = files.Files()
	if _, err := fmt.Fprintf(a.answer, "berth: %s of %s, %d files, %s\n", command.New.Short(), wish.Branch, wish.Files, printable.Size(files.Bytes())); err != nil {
		return err
	}
	archive, end := files.Open(ctx)
	defer end()
	wish.Archive = archive
	return a.door.Deploy(ctx, wish, a.answer)
}

// checkOld refuses a push that builds on something else than what Berth has told.
func checkOld(ref wire.Ref, command wire.Command) error {
	var before pack.ID
	if ref.Name == command.Ref {
		before = ref.ID
	}
	if command.Old == before {
		return nil
	}
	return problem.Conflict("Another push came first.", "Push again.")
}

// snapshot receives the objects and lists the files. Few pushes do so at once.
func (a *arrival) snapshot(ctx context.Context, objects *pack.Objects, folder string, commit pack.ID) (*snapshot.Snapshot, error) {
	select {
	case a.pushes.receiving <- struct{}{}:
		defer func() { <-a.pushes.receiving }()
	default:
		return nil, problem.Unavailable("Berth receives as many pushes as it can at the moment.", "Push again in a minute.")
	}
	ctx, cancel := context.WithTimeout(ctx, receiveTime)
	defer cancel()
	if err := objects.Add(ctx, a.body); err != nil {
		return nil, err
	}
	return snapshot.List(ctx, objects, commit, folder, a.pushes.most)
}
