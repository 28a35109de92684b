package revival

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"berth/controller/app"
)

type desk struct{ asked []app.Name }

func (*desk) ListApps(context.Context) ([]app.App, error) {
	return []app.App{{Name: "broken"}, {Name: "hello"}}, nil
}

func (d *desk) Rebuild(_ context.Context, name app.Name, _ string) (app.Release, error) {
	d.asked = append(d.asked, name)
	if name == "broken" {
		return app.Release{}, errors.New("no archive")
	}
	return app.Release{ReleaseID: app.ReleaseID{App: name, Number: 2}}, nil
}

func TestRevival_AsksForEveryAppAlsoAfterAFailure(t *testing.T) {
	d := &desk{}
	if err := New(d, d, slog.New(slog.DiscardHandler)).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.asked, []app.Name{"broken", "hello"}) {
		t.Errorf("asked for %v", d.asked)
	}
}
