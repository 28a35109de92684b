package controller_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/duplicate"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/sources"
	"berth/traefik"
)

// AcceptDuplicate is as of the program.
func (h *house) AcceptDuplicate(ctx context.Context, d duplicate.Upload) (app.Release, error) {
	return h.Accept(ctx, controller.Upload{
		Name: d.Name, By: d.By, Archive: d.Archive, Image: d.Image, Settings: &d.Settings, OwnLimits: true,
		Environment: d.Environment, Route: d.Route, Routes: []plan.RouteWish{}, Access: d.Access,
	})
}

// duplicate makes an app like another one.
func (h *house) duplicate(of, name app.Name) (app.Release, error) {
	return duplicate.Duplicates{Story: h, Ledger: h.ledger, Sources: sources.New(h.ledger, h.folder, h.key), Key: h.key}.
		Duplicate(h.t.Context(), duplicate.Wish{Of: of, Name: name, Route: h.route("/" + string(name)), By: "test"})
}

// variablesOf are what an app has saved, in the clear.
func (h *house) variablesOf(name app.Name) environment.OpenEnvironment {
	h.t.Helper()
	_, kept, err := h.ledger.FindEnvironment(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	opened, err := environment.Open(h.key, name, kept)
	if err != nil {
		h.t.Fatal(err)
	}
	return opened
}

func TestDuplicate_HasTheSourceSettingsAndVariablesOfTheOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, err := h.Accept(t.Context(), controller.Upload{
		Name: "shop", Route: h.route("/shop"), Archive: h.good(), By: "test",
		Environment: []app.VariableWish{{Name: "MODE", Value: "fast", Build: true}, {Name: "TOKEN", Value: "a-secret", Secret: true}, {Name: "KEY", Value: "another", Secret: true, File: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	first = h.live(first)
	wanted := app.DefaultSettings()
	wanted.MemoryBytes, wanted.Processes = 64<<20, 77
	changed, err := h.UpdateSettings(t.Context(), "shop", wanted, "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(changed)

	guarded := traefik.Access{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	if err := h.ledger.UpdateAccess(t.Context(), "shop", guarded); err != nil {
		t.Fatal(err)
	}
	again, err := h.duplicate("shop", "shop-test")
	if err != nil {
		t.Fatal(err)
	}
	again = h.live(again)
	if again.Number != 1 || again.ArchiveName != first.ArchiveName {
		t.Errorf("the release is %+v", again)
	}
	found, err := h.ledger.FindApp(t.Context(), "shop-test")
	if err != nil || found.Settings.MemoryBytes != wanted.MemoryBytes || found.Settings.Processes != wanted.Processes || len(found.Routes) != 1 || !slices.Equal(found.Access.Allow, guarded.Allow) || found.Routes[0] != h.route("/shop-test") {
		t.Errorf("the app is %+v, %v", found, err)
	}
	was, is := h.variablesOf("shop"), h.variablesOf("shop-test")
	if !slices.Equal(was.Variables, is.Variables) || is.Secrets["TOKEN"] != "a-secret" || is.Files["KEY"] != "another" || is.Build["MODE"] != "fast" {
		t.Errorf("the variables are %+v", is)
	}
	if err := h.Delete(t.Context(), "shop-test", "shop-test"); err != nil {
		t.Fatal(err)
	}
	if other, err := h.App(t.Context(), "shop"); err != nil || other.Live != changed.Number {
		t.Errorf("the first app is %+v, %v", other.App, err)
	}
}

func TestDuplicate_OfAComposeAppHasVolumesOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	again, err := h.duplicate("book", "book-test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(again)
	volumes, err := h.keeper.ListVolumes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range volumes {
		names = append(names, string(one.Name))
	}
	if !slices.Contains(names, "book_entries") || !slices.Contains(names, "book-test_entries") {
		t.Errorf("the volumes are %v", names)
	}
}

func TestDuplicate_OfAnImageRunsTheImage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deployImage("site")
	again, err := h.duplicate("site", "site-test")
	if err != nil {
		t.Fatal(err)
	}
	if again = h.live(again); again.Reference != webTag {
		t.Errorf("it runs %q", again.Reference)
	}
}

func TestDuplicate_IsRefusedWithoutALiveReleaseOrForATakenName(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	if _, err := h.duplicate("nothing", "again"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("of no app: %v", err)
	}
	h.deployBook()
	if _, err := h.duplicate("book", "book"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("under its own name: %v", err)
	}
}
