//go:build linux && cgo

package main

import (
	"context"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/duplicate"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/controller/sources"
	"berth/controller/store"
)

// newDuplicates returns what makes an app like another one.
func newDuplicates(story *controller.Controller, ledger *store.Store, archives *sources.Sources, key secret.Key) duplicate.Duplicates {
	return duplicate.Duplicates{Story: twins{story}, Ledger: ledger, Sources: archives, Key: key}
}

// twins are the uploads of duplicates.
type twins struct{ *controller.Controller }

// AcceptDuplicate asks for no routes of the file: the other app has them.
func (t twins) AcceptDuplicate(ctx context.Context, d duplicate.Upload) (app.Release, error) {
	return t.Accept(ctx, controller.Upload{
		Name: d.Name, By: d.By, Archive: d.Archive, Image: d.Image, Settings: &d.Settings, OwnLimits: true,
		Environment: d.Environment, Route: d.Route, Routes: []plan.RouteWish{}, Access: d.Access,
	})
}
