package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/moving"
	"berth/controller/problem"
	"berth/traefik"
)

// fakeMoves keep one move, which never ends by itself.
type fakeMoves struct {
	mu       sync.Mutex
	wish     moving.Wish
	move     *moving.Move
	progress moving.Progress
}

func (f *fakeMoves) Begin(_ context.Context, wish moving.Wish) (moving.Move, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish = wish
	f.move = &moving.Move{App: wish.App, To: wish.To, Step: moving.StepCheck, State: moving.Running, BeganAt: time.Now(), By: wish.By}
	return *f.move, nil
}

func (f *fakeMoves) Find(context.Context, app.Name) (moving.Move, moving.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.move == nil {
		return moving.Move{}, moving.Progress{}, problem.NotFound("The app is not being moved.", "Begin.").Because(problem.ErrNotFound)
	}
	return *f.move, f.progress, nil
}

func (f *fakeMoves) End(ctx context.Context, name app.Name) error {
	_, _, err := f.Find(ctx, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.move = nil
	return err
}

func TestMove_IsShownOnThePageOfTheAppWithoutItsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	if strings.Contains(s.get("/admin/apps/hello").body, `id="move"`) {
		t.Error("an app that nobody moves has the card")
	}
	const path = "/api/v1/apps/hello/move"
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"to": "https://other:8001", "token": "berth_canary"}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("with the scope deploy: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodPost, path, `{"to": "https://other:8001", "token": "berth_canary", "address": "no route"}`); answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != "address" {
		t.Errorf("with a wrong address: %d %s", answer.StatusCode, answer.body)
	}
	answer := s.bearer(adminToken, http.MethodPost, path, `{"to": "https://other:8001", "token": "berth_canary", "private": true}`)
	if answer.StatusCode != http.StatusAccepted || s.moves.wish.Token.Reveal() != "berth_canary" || !s.moves.wish.Private {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	s.moves.move.Step, s.moves.progress = moving.StepVolumes, moving.Progress{Bytes: 3 << 20, Total: 6 << 20, Rate: 1 << 20}
	page := s.get("/admin/apps/hello").body
	mustContain(t, page, "Moving to https://other:8001", "copying the volumes while the app runs", "3 MB of 6 MB at 1 MB/s")
	s.moves.move.State, s.moves.move.Target = moving.Done, "https://other/hello/"
	mustContain(t, s.get("/admin/apps/hello").body, "has moved to https://other:8001", "redirect to <code>https://other/hello/</code>", "End the redirect")
	s.moves.move.State, s.moves.move.Reason = moving.Failed, "The other server is full."
	mustContain(t, s.get("/admin/apps/hello").body, "The move to https://other:8001 failed", "The other server is full.")
	all := page + answer.body + s.bearer(readToken, http.MethodGet, path, "").body + s.logged.String()
	for _, entry := range s.audit.recorded() {
		all += entry.Detail
	}
	if strings.Contains(all, "canary") {
		t.Error("the token is shown")
	}
	const button = "/admin/apps/hello/move/end"
	if answer := s.post(button, url.Values{}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("without the form token: %d", answer.StatusCode)
	}
	if answer := s.post(button, url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther || s.moves.move != nil {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(adminToken, http.MethodDelete, path, ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodGet, path, ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}

// TestMoved_AnAppArrivesAsItWas sends what one server describes to another one.
func TestMoved_AnAppArrivesAsItWas(t *testing.T) {
	t.Parallel()
	user, err := app.AccessChange{Users: []app.AccessUser{{Name: "ann", Password: "A long passw0rd of hers"}}}.Apply(traefik.Access{})
	if err != nil {
		t.Fatal(err)
	}
	found := app.App{Name: "shop", Settings: app.DefaultSettings(), Access: user, Mounts: []app.Mount{{Volume: "shop-data", Target: "/data"}}}
	found.Settings.MemoryBytes, found.Access.MaxBodyBytes = 1<<30, 8<<20
	found.Access.Maintenance = traefik.Maintenance{On: true, Text: "Back soon."}
	variables := []app.VariableWish{{Name: "KEY", Value: "line one\nline \"two\"", Secret: true, File: true}, {Name: "MODE", Value: "test", Build: true}}
	described, err := DescribeMoved(found, variables)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	var got controller.Upload
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		got = u
		return aRelease(u.Name, 1, app.ReleaseQueued), nil
	}
	send := func(token, moved string) answer {
		return s.upload("/api/v1/apps", token, part{"name", "shop", ""}, part{"route", "/shop", ""}, part{"moved", moved, ""}, part{"archive", "PK", "shop.zip"})
	}
	if answer := send(deployToken, string(described)); answer.StatusCode != http.StatusForbidden {
		t.Errorf("with the scope deploy: %d", answer.StatusCode)
	}
	if answer := send(adminToken, string(described)); answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if *got.Settings != found.Settings || !got.OwnLimits || !got.Access.Equal(found.Access) || len(got.Mounts) != 1 || got.Mounts[0] != found.Mounts[0] || got.Routes == nil {
		t.Errorf("arrived: %+v with %+v", got, got.Settings)
	}
	if len(got.Environment) != 2 || got.Environment[0] != variables[0] || got.Environment[1] != variables[1] {
		t.Errorf("arrived with %d variables", len(got.Environment))
	}
	for _, broken := range []string{"{", strings.Replace(string(described), `"hash":"$2`, `"hash":"$x`, 1), strings.Replace(string(described), `"/data"`, `"data"`, 1)} {
		if answer := send(adminToken, broken); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.60s: %d %s", broken, answer.StatusCode, answer.body)
		}
	}
}
