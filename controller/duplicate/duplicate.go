// Package duplicate deploys a new app from the source, the settings and the variables of another one, without its data.
package duplicate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/sources"
	"berth/controller/uploads"
	"berth/traefik"
)

// Upload is what the new app is made of: an archive or an image, and what it has from its
// first moment on.
type Upload struct {
	Wish
	Archive     *uploads.Archive
	Image       plan.ImageReference
	Settings    app.Settings
	Environment []app.VariableWish
	Access      traefik.Access
}

// Story accepts uploads. controller.Controller is the one there is. It takes the archive
// over where it succeeds.
type Story interface {
	Receive(io.Reader) (*uploads.Archive, error)
	AcceptDuplicate(context.Context, Upload) (app.Release, error)
}

// Ledger tells of the app that is duplicated.
type Ledger interface {
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
	FindEnvironment(context.Context, app.Name) (number int64, variables []app.Variable, err error)
}

// Duplicates makes apps of others. All fields are required.
type Duplicates struct {
	Story   Story
	Ledger  Ledger
	Sources *sources.Sources
	Key     secret.Key // opens the variables of one app, which are sealed for it alone
}

// Wish says what is to be made of which app.
type Wish struct {
	Of    app.Name
	Name  app.Name
	Route traefik.Route
	By    string // account or token name
}

// Duplicate queues the first release of a new app: with the archive or the image of the
// live release, and with the settings, the variables and the access rules that were saved,
// secrets too: an app behind a password has no twin that is open. Volumes, further routes and
// public ports stay the other app's own. Problems name the fields of an upload.
func (d Duplicates) Duplicate(ctx context.Context, wish Wish) (app.Release, error) {
	found, live, err := d.Ledger.FindLive(ctx, wish.Of)
	if errors.Is(err, problem.ErrNotFound) {
		return app.Release{}, app.Missing(wish.Of, err)
	}
	if err != nil {
		return app.Release{}, err
	}
	if live.Number == 0 {
		return app.Release{}, problem.Conflict(fmt.Sprintf("The app %s has no live release to duplicate.", wish.Of), "Deploy it first.")
	}
	upload := Upload{Wish: wish, Settings: found.Settings, Access: found.Access}
	upload.Access.Maintenance = traefik.Maintenance{}
	if upload.Environment, err = d.Variables(ctx, wish.Of); err != nil {
		return app.Release{}, err
	}
	if live.Reference != "" {
		upload.Image = live.Reference
		return d.Story.AcceptDuplicate(ctx, upload)
	}
	if upload.Archive, err = d.receive(live); err != nil {
		return app.Release{}, err
	}
	defer upload.Archive.Discard() // a release that was accepted has taken it
	return d.Story.AcceptDuplicate(ctx, upload)
}

// receive is the archive of the release as if a person had sent it.
func (d Duplicates) receive(live app.Release) (*uploads.Archive, error) {
	archive, err := d.Sources.Archive(live)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	received, err := d.Story.Receive(archive)
	if err != nil {
		return nil, err
	}
	received.Name = live.ArchiveName
	return received, nil
}

// Variables are those that an app has saved, opened, as wishes of another one.
func (d Duplicates) Variables(ctx context.Context, of app.Name) ([]app.VariableWish, error) {
	_, kept, err := d.Ledger.FindEnvironment(ctx, of)
	if err != nil {
		return nil, err
	}
	opened, err := environment.Open(d.Key, of, kept)
	if err != nil {
		return nil, err
	}
	values := opened.Values()
	wishes := make([]app.VariableWish, 0, len(kept))
	for _, variable := range kept {
		wishes = append(wishes, app.VariableWish{
			Name: variable.Name, Value: secret.Text(values[variable.Name]), Secret: variable.Secret(), File: variable.File, Build: variable.Build,
		})
	}
	return wishes, nil
}
