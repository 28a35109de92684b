// Package difference says how two releases of an app differ: in their files, images,
// variables and settings.
package difference

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/archive"
)

// Kind says what became of a thing between two releases.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
)

// Side is one of two releases.
type Side struct {
	Release   app.Release    // with the files of its services in the clear, if they are to be compared
	Variables []app.Variable // that the release runs with
	// Open opens the archive that the release was built from. The error is fs.ErrNotExist
	// if the archive is no longer kept. It is not called if both have the same archive.
	Open func() (*archive.Tree, error)
	// Hide masks the secrets of the release in a text. Lines of files are only compared if
	// both sides have it.
	Hide func(text string) string
}

// Difference is how a release differs from another one, which is the base.
type Difference struct {
	From, To  app.Release
	Files     Files
	Images    []Image    // by service; only those that differ
	Variables []Variable // by service and name; only those that differ
	Settings  []Setting  // by service; only those that differ
	Notes     []string   // whole sentences on what could not be compared
}

// Image is another image of a service.
type Image struct {
	Service  string
	Kind     Kind
	From, To string // digests, or ids of the engine; empty if there is none
}

// Variable is the name of a variable that differs. No value is in it.
type Variable struct {
	Service string // of a compose file; empty for a variable of the app
	Name    string
	Kind    Kind
}

// None reports whether nothing that can be compared differs.
func (d Difference) None() bool {
	return d.Files.None() && len(d.Images)+len(d.Variables)+len(d.Settings) == 0
}

// Base returns the release that a release is compared with if a person names none: the
// newest earlier one that ran. The zero Release says that there is none. The releases are
// the newest first.
func Base(releases []app.Release, number int64) app.Release {
	at := slices.IndexFunc(releases, func(r app.Release) bool {
		return r.Number < number && (r.State == app.ReleaseLive || r.State == app.ReleaseSuperseded)
	})
	if at < 0 {
		return app.Release{}
	}
	return releases[at]
}

// Between compares two releases of one app. Reading their archives may take long; ctx
// ends it.
func Between(ctx context.Context, from, to Side) (Difference, error) {
	made := Difference{From: from.Release, To: to.Release}
	var err error
	if made.Files, err = compareFiles(ctx, from, to); err != nil {
		return Difference{}, err
	}
	planned := true
	for _, side := range []Side{from, to} {
		if len(side.Release.Services) == 0 {
			planned = false
			made.Notes = append(made.Notes, fmt.Sprintf("r%d ended before its services were planned, so services and images are not compared.", side.Release.Number))
		}
	}
	if planned {
		made.Images = compareImages(from.Release, to.Release)
	}
	made.Variables = compareVariables(from, to, planned)
	made.Settings = compareFacts(factsOf(from, planned), factsOf(to, planned))
	return made, nil
}

// compareImages compares what the services run. A service that keeps its image is left
// out.
func compareImages(from, to app.Release) []Image {
	before, after := imagesOf(from), imagesOf(to)
	var images []Image
	for _, change := range compare(before, after) {
		images = append(images, Image{Service: change.key, Kind: change.kind, From: before[change.key], To: after[change.key]})
	}
	return images
}

func imagesOf(release app.Release) map[string]string {
	images := make(map[string]string, len(release.Services))
	for _, run := range release.Services {
		images[run.Spec.Name] = run.Image
		if run.Sole && release.Digest != "" {
			images[run.Spec.Name] = release.Digest
		}
	}
	return images
}

// change is a key of two maps whose values differ.
type change[K any] struct {
	key  K
	kind Kind
}

// compare returns the keys whose values differ, in their order.
func compare[K cmp.Ordered, V comparable](before, after map[K]V) []change[K] {
	var changes []change[K]
	for key, now := range after {
		was, known := before[key]
		switch {
		case !known:
			changes = append(changes, change[K]{key, Added})
		case was != now:
			changes = append(changes, change[K]{key, Changed})
		}
	}
	for key := range before {
		if _, known := after[key]; !known {
			changes = append(changes, change[K]{key, Removed})
		}
	}
	slices.SortFunc(changes, func(a, b change[K]) int { return cmp.Compare(a.key, b.key) })
	return changes
}
