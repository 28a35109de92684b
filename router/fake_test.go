package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"berth/controller"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/traefik"
)

// fakeApps is a controller in memory. A hook, where it is set, decides what the
// method of its name answers.
type fakeApps struct {
	mu       sync.Mutex
	apps     map[controller.AppName]controller.AppView
	releases map[controller.ReleaseID]controller.Release
	logs     map[controller.ReleaseID][]byte
	output   []docker.Line
	places   map[controller.ReleaseID]int
	ticks    map[chan struct{}]struct{}
	calls    []string

	environment controller.Environment // of every app
	forbidden   []controller.Waiver

	onReceive func(io.Reader) (*controller.Archive, error)
	onAccept  func(controller.Upload) (controller.Release, error)
	onAct     func(verb string, name controller.AppName) error
	onExamine func(controller.Upload) (controller.Preview, error)

	held     map[controller.HeldKey]controller.Held
	deployed map[controller.HeldKey]controller.Release
}

func newFakeApps() *fakeApps {
	return &fakeApps{
		apps:     make(map[controller.AppName]controller.AppView),
		releases: make(map[controller.ReleaseID]controller.Release),
		logs:     make(map[controller.ReleaseID][]byte),
		places:   make(map[controller.ReleaseID]int),
		ticks:    make(map[chan struct{}]struct{}),
		held:     make(map[controller.HeldKey]controller.Held),
		deployed: make(map[controller.HeldKey]controller.Release),
	}
}

func (f *fakeApps) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeApps) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// change does something to the fake's state and ticks every subscriber.
func (f *fakeApps) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	for tick := range f.ticks {
		select {
		case tick <- struct{}{}:
		default:
		}
	}
}

func (f *fakeApps) put(view controller.AppView) { f.change(func() { f.apps[view.Name] = view }) }

func (f *fakeApps) putRelease(release controller.Release) {
	f.change(func() { f.releases[release.ReleaseID] = release })
}

func (f *fakeApps) appendLog(id controller.ReleaseID, text string) {
	f.change(func() { f.logs[id] = append(f.logs[id], text...) })
}

func (f *fakeApps) Receive(r io.Reader) (*controller.Archive, error) {
	if f.onReceive != nil {
		return f.onReceive(r)
	}
	n, err := io.Copy(io.Discard, r)
	f.note("receive %d", n)
	if err != nil {
		return nil, err
	}
	return &controller.Archive{Bytes: n}, nil
}

func (f *fakeApps) ParseRoute(s string) (traefik.Route, error) {
	route, err := traefik.ParseRoute(s)
	if err != nil {
		return route, &controller.Problem{
			Kind: controller.KindInvalid, Field: "route",
			Message: fmt.Sprintf("%q is not a route.", s), Hint: "Write a path such as /my-app.",
		}
	}
	return route, nil
}

func (f *fakeApps) ParsePort(s string) (uint16, error) {
	var port uint16
	if s == "" {
		return 0, nil
	}
	if _, err := fmt.Sscan(s, &port); err != nil {
		return 0, &controller.Problem{
			Kind: controller.KindInvalid, Field: "port",
			Message: fmt.Sprintf("%q is not a port.", s), Hint: "Give a number from 1 to 65535.",
		}
	}
	return port, nil
}

func (f *fakeApps) Accept(_ context.Context, u controller.Upload) (controller.Release, error) {
	made := string(u.Image)
	if u.Archive != nil {
		made = u.Archive.Name
	}
	if u.Fallback {
		made += " with fallback"
	}
	if u.Database {
		made += " waived database"
	}
	f.note("accept %s %s %d %s by %s", u.Name, u.Route, u.Port, made, u.By)
	if f.onAccept != nil {
		return f.onAccept(u)
	}
	release := aRelease(u.Name, 1, controller.ReleaseQueued)
	f.putRelease(release)
	f.put(controller.AppView{
		App: controller.App{
			Name: u.Name, Routes: []traefik.Route{u.Route}, CreatedAt: time.Now(),
			Observed: controller.Observed{State: controller.AppWaiting},
		},
		Latest: &release, UnderWay: &release,
	})
	return release, nil
}

func (f *fakeApps) AcceptUpdate(_ context.Context, app controller.AppName, archive *controller.Archive, by string) (controller.Release, error) {
	f.note("update %s %s by %s", app, archive.Name, by)
	if f.onAccept != nil {
		return f.onAccept(controller.Upload{Name: app, Archive: archive, By: by})
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) AcceptImage(_ context.Context, app controller.AppName, image plan.ImageReference, by string) (controller.Release, error) {
	if err := f.act(fmt.Sprintf("run %s by %s", image, by), app); err != nil {
		return controller.Release{}, err
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	release.Reference = image
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) ForbiddenWaivers() []controller.Waiver { return f.forbidden }

func (f *fakeApps) Examine(_ context.Context, u controller.Upload) (controller.Preview, error) {
	if u.Archive == nil {
		u.Archive = &controller.Archive{Name: string(u.Image)}
	}
	f.note("examine %s %s", u.Name, u.Archive.Name)
	if f.onExamine != nil {
		return f.onExamine(u)
	}
	return controller.Preview{
		Kind: "Static site", Dockerfile: "FROM scratch\nCOPY site/ /site/\n",
		Reasons: []string{"There is an index.html at the top."}, Services: []string{"main"},
	}, nil
}

func (f *fakeApps) ExamineUpdate(ctx context.Context, app controller.AppName, archive *controller.Archive) (controller.Preview, error) {
	return f.Examine(ctx, controller.Upload{Name: app, Archive: archive})
}

func (f *fakeApps) Hold(owner string, app controller.AppName, archive *controller.Archive, preview controller.Preview) controller.Held {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := controller.Held{
		ID: fmt.Sprintf("%026d", 0), App: app, Name: archive.Name, Bytes: archive.Bytes, Preview: preview,
		Until: time.Now().Add(15 * time.Minute),
	}
	held.ID = strings.ReplaceAll(held.ID, "0", string(rune('A'+len(f.held))))
	f.held[controller.HeldKey{Owner: owner, ID: held.ID}] = held
	return held
}

func (f *fakeApps) Held(key controller.HeldKey) (controller.Held, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if held, ok := f.held[key]; ok {
		_, held.Deployed = f.deployed[key]
		return held, nil
	}
	return controller.Held{}, &controller.Problem{
		Kind: controller.KindConflict, Field: "archive", Message: "The archive is not here any more.", Hint: "Choose it again.",
	}
}

func (f *fakeApps) Drop(key controller.HeldKey) {
	f.note("drop %s", key.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.held, key)
}

func (f *fakeApps) AcceptHeld(ctx context.Context, key controller.HeldKey, u controller.Upload) (controller.Release, error) {
	return f.acceptHeld(key, func(archive *controller.Archive) (controller.Release, error) {
		u.Archive = archive
		return f.Accept(ctx, u)
	})
}

func (f *fakeApps) AcceptHeldUpdate(ctx context.Context, key controller.HeldKey, app controller.AppName, by string) (controller.Release, error) {
	return f.acceptHeld(key, func(archive *controller.Archive) (controller.Release, error) {
		return f.AcceptUpdate(ctx, app, archive, by)
	})
}

func (f *fakeApps) acceptHeld(key controller.HeldKey, accept func(*controller.Archive) (controller.Release, error)) (controller.Release, error) {
	held, err := f.Held(key)
	if err != nil {
		return controller.Release{}, err
	}
	f.mu.Lock()
	release, done := f.deployed[key]
	f.mu.Unlock()
	if done {
		return release, nil
	}
	release, err = accept(&controller.Archive{Name: held.Name, Bytes: held.Bytes})
	if err == nil {
		f.mu.Lock()
		f.deployed[key] = release
		f.mu.Unlock()
	}
	return release, err
}

func (f *fakeApps) Rollback(_ context.Context, app controller.AppName, number int64, by string) (controller.Release, error) {
	if err := f.act(fmt.Sprintf("roll back to r%d by %s", number, by), app); err != nil {
		return controller.Release{}, err
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) Retry(_ context.Context, id controller.ReleaseID, changes controller.Retry, by string) (controller.Release, error) {
	if err := f.act(fmt.Sprintf("retry r%d with port %d, %d MB, root %t, mount %s:%s by %s", id.Number, changes.Settings.Port,
		changes.Settings.MemoryBytes>>20, changes.Settings.WritableRoot, changes.Mount.Volume, changes.Mount.Target, by), id.App); err != nil {
		return controller.Release{}, err
	}
	release := aRelease(id.App, 9, controller.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) SettingsRange() (least, most controller.SettingsForm) {
	return controller.SettingsForm{Memory: "16", CPU: "5", Processes: "10"}, controller.SettingsForm{Memory: "2048", CPU: "200", Processes: "500"}
}

func (f *fakeApps) ParseSettings(form controller.SettingsForm) (controller.Settings, error) {
	var problems controller.Problems
	number := func(field, text string) (n int64) {
		if _, err := fmt.Sscan(text, &n); err != nil {
			problems = append(problems, &controller.Problem{
				Kind: controller.KindInvalid, Field: field, Message: fmt.Sprintf("%q is no %s.", text, field), Hint: "Give a number.",
			})
		}
		return n
	}
	parsed := controller.Settings{
		MemoryBytes: number("memory", form.Memory) << 20, NanoCPUs: number("cpu", form.CPU) * 10_000_000,
		Processes: number("processes", form.Processes), WritableRoot: form.WritableRoot,
		Database: form.Database, DatabaseServices: controller.ServiceNames(form.DatabaseServices), Fallback: form.Fallback,
	}
	port, err := f.ParsePort(form.Port)
	if problem, ok := errors.AsType[*controller.Problem](err); ok {
		problems = append(problems, problem)
	}
	parsed.Port = port
	if len(problems) > 0 {
		return controller.Settings{}, problems
	}
	return parsed, nil
}

func (f *fakeApps) UpdateSettings(_ context.Context, app controller.AppName, settings controller.Settings, by string) (controller.Release, error) {
	if err := f.act(fmt.Sprintf("settings %+v by %s", settings, by), app); err != nil {
		return controller.Release{}, err
	}
	if view, err := f.App(context.Background(), app); err != nil || settings == view.Settings {
		return controller.Release{}, err
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	release.RollbackOf, release.NewSettings, release.Settings = 2, true, settings
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) UpdateAccess(_ context.Context, app controller.AppName, change controller.AccessChange) (traefik.Access, error) {
	if err := f.act("access "+change.Summary(), app); err != nil {
		return traefik.Access{}, err
	}
	view, err := f.App(context.Background(), app)
	if err != nil {
		return traefik.Access{}, err
	}
	if view.Access, err = change.Apply(view.Access); err != nil {
		return traefik.Access{}, err
	}
	f.put(view)
	return view.Access, nil
}

func (f *fakeApps) Environment(_ context.Context, app controller.AppName) (controller.Environment, error) {
	if _, err := f.App(context.Background(), app); err != nil {
		return controller.Environment{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.environment, nil
}

func (f *fakeApps) UpdateEnvironment(_ context.Context, app controller.AppName, change controller.EnvironmentChange) (controller.Environment, error) {
	if err := f.act("environment "+change.Summary(), app); err != nil {
		return controller.Environment{}, err
	}
	names := change.Remove
	for _, wish := range change.Set {
		names = append(names, wish.Name)
	}
	for _, name := range names {
		if err := controller.CheckVariableName(name); err != nil {
			return controller.Environment{}, err
		}
	}
	return f.Environment(context.Background(), app)
}

func (f *fakeApps) ApplyEnvironment(_ context.Context, app controller.AppName, by string) (controller.Release, error) {
	if err := f.act("apply environment by "+by, app); err != nil {
		return controller.Release{}, err
	}
	if saved, err := f.Environment(context.Background(), app); err != nil || saved.Unapplied() == 0 {
		return controller.Release{}, err
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	release.RollbackOf, release.NewEnvironment = 2, true
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) Apps(context.Context) ([]controller.AppView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	views := make([]controller.AppView, 0, len(f.apps))
	for _, view := range f.apps {
		views = append(views, view)
	}
	slices.SortFunc(views, func(a, b controller.AppView) int { return cmp.Compare(a.Name, b.Name) })
	return views, nil
}

func (f *fakeApps) App(_ context.Context, name controller.AppName) (controller.AppView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	view, ok := f.apps[name]
	if !ok {
		return view, &controller.Problem{Kind: controller.KindNotFound, Message: fmt.Sprintf("There is no app called %s.", name)}
	}
	return view, nil
}

func (f *fakeApps) Releases(_ context.Context, name controller.AppName) ([]controller.Release, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var releases []controller.Release
	for id, release := range f.releases {
		if id.App == name {
			releases = append(releases, release)
		}
	}
	slices.SortFunc(releases, func(a, b controller.Release) int { return cmp.Compare(b.Number, a.Number) })
	return releases, nil
}

func (f *fakeApps) Release(_ context.Context, id controller.ReleaseID) (controller.Release, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	release, ok := f.releases[id]
	if !ok {
		return release, &controller.Problem{Kind: controller.KindNotFound, Message: fmt.Sprintf("There is no release %s.", id)}
	}
	return release, nil
}

func (f *fakeApps) ReleaseLog(id controller.ReleaseID) (io.ReadSeekCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.logs[id]; !ok {
		return nil, &controller.Problem{Kind: controller.KindNotFound, Message: "There is no log."}
	}
	return &growingLog{fake: f, id: id}, nil
}

func (f *fakeApps) QueuePlace(id controller.ReleaseID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.places[id]
}

func (f *fakeApps) Output(ctx context.Context, _ controller.AppName, lines int, follow bool, each func(docker.Line) error) error {
	sent := 0
	for {
		f.mu.Lock()
		fresh := slices.Clone(f.output[max(sent, len(f.output)-lines):])
		sent = len(f.output)
		f.mu.Unlock()
		for _, line := range fresh {
			if err := each(line); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (f *fakeApps) OutputAfter(ctx context.Context, app controller.AppName, after docker.Cursor, each func(docker.Line) error) error {
	if !after.Knows("") {
		return docker.ErrCursor
	}
	return f.Output(ctx, app, 1_000_000, true, after.Rest("", each))
}

func (f *fakeApps) Subscribe(controller.AppName) (<-chan struct{}, func()) {
	tick := make(chan struct{}, 1)
	f.mu.Lock()
	f.ticks[tick] = struct{}{}
	f.mu.Unlock()
	return tick, func() {
		f.mu.Lock()
		delete(f.ticks, tick)
		f.mu.Unlock()
	}
}

func (f *fakeApps) act(verb string, name controller.AppName) error {
	f.note("%s %s", verb, name)
	if f.onAct != nil {
		return f.onAct(verb, name)
	}
	return nil
}

func (f *fakeApps) Start(_ context.Context, name controller.AppName) error {
	return f.act("start", name)
}

func (f *fakeApps) Stop(_ context.Context, name controller.AppName) error {
	return f.act("stop", name)
}

func (f *fakeApps) Restart(_ context.Context, name controller.AppName) error {
	return f.act("restart", name)
}

func (f *fakeApps) Cancel(_ context.Context, id controller.ReleaseID) error {
	return f.act("cancel", id.App)
}

func (f *fakeApps) Delete(_ context.Context, name controller.AppName, confirm string) error {
	if confirm != string(name) {
		return &controller.Problem{
			Kind: controller.KindInvalid, Field: "confirm",
			Message: fmt.Sprintf("%q is not the name of this app.", confirm), Hint: "Type it exactly.",
		}
	}
	return f.act("delete", name)
}

// growingLog reads a log of the fake as a file that grows.
type growingLog struct {
	fake   *fakeApps
	id     controller.ReleaseID
	offset int64
}

func (g *growingLog) Read(p []byte) (int, error) {
	g.fake.mu.Lock()
	defer g.fake.mu.Unlock()
	log := g.fake.logs[g.id]
	if g.offset >= int64(len(log)) {
		return 0, io.EOF
	}
	n := copy(p, log[g.offset:])
	g.offset += int64(n)
	return n, nil
}

func (g *growingLog) Seek(offset int64, whence int) (int64, error) {
	g.fake.mu.Lock()
	defer g.fake.mu.Unlock()
	if whence == io.SeekEnd {
		offset += int64(len(g.fake.logs[g.id]))
	}
	g.offset = offset
	return offset, nil
}

func (*growingLog) Close() error { return nil }

// aRelease is a release whose steps fit its state.
func aRelease(app controller.AppName, number int64, state controller.ReleaseState) controller.Release {
	began := time.Now().Add(-3 * time.Minute)
	release := controller.Release{
		ReleaseID: controller.ReleaseID{App: app, Number: number}, State: state, Settings: controller.DefaultSettings(),
		ArchiveName: "app.zip", ArchiveBytes: 48213, CreatedBy: "admin", CreatedAt: began,
	}
	order := []controller.ReleaseState{
		controller.ReleaseQueued, controller.ReleaseBuilding, controller.ReleaseStarting,
		controller.ReleaseVerifying, controller.ReleaseLive,
	}
	reach := slices.Index(order, state)
	switch state {
	case controller.ReleaseSuperseded:
		reach = 4
	case controller.ReleaseFailed, controller.ReleaseCancelled:
		reach = 1
	}
	entered := []time.Duration{0, 40 * time.Millisecond, 18 * time.Second, 18400 * time.Millisecond, 21 * time.Second}
	for i := range reach + 1 {
		release.Steps = append(release.Steps, controller.Step{State: order[i], At: began.Add(entered[i])})
	}
	if !state.UnderWay() {
		release.FinishedAt = began.Add(entered[reach] + 100*time.Millisecond)
	}
	return release
}

// The bearer tokens that fakeTokens knows.
const (
	readToken   = "token-read"
	deployToken = "token-deploy"
	adminToken  = "token-admin"
)

type fakeTokens struct{}

func (fakeTokens) MintToken(context.Context, controller.TokenOptions) (string, error) {
	return "berth_fresh", nil
}

// List has a token of each state.
func (fakeTokens) List(context.Context) ([]controller.Token, error) {
	now, office := time.Now(), controller.AddressRanges{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("2001:db8:40::/48")}
	day := 24 * time.Hour
	return []controller.Token{
		{ID: 4, Name: "CI of shop", Scope: controller.ScopeDeploy, CreatedBy: "admin", CreatedAt: now.Add(-2 * day), ExpiresAt: now.Add(88 * day), UsedAt: now.Add(-4 * time.Minute), UsedFrom: "10.20.3.4", Ranges: office},
		{ID: 3, Name: "laptop", Scope: controller.ScopeAdmin, CreatedAt: now.Add(-26 * day), ExpiresAt: now.Add(4 * day)},
		{ID: 2, Name: "a name as long as a name can be, which is sixty letters long", Scope: controller.ScopeRead, CreatedBy: "admin", CreatedAt: now.Add(-9 * day), ExpiresAt: now.Add(20 * day), RevokedAt: now.Add(-time.Hour), UsedAt: now.Add(-2 * time.Hour), UsedFrom: "2001:db8:40:1234:5678:9abc:def0:1234"},
		{ID: 1, Name: "old", Scope: controller.ScopeRead, CreatedBy: "admin", CreatedAt: now.Add(-40 * day), ExpiresAt: now.Add(-10 * day)},
	}, nil
}

func (fakeTokens) Revoke(_ context.Context, id int64) (controller.Token, error) {
	return controller.Token{ID: id, Name: "ci", Scope: controller.ScopeRead}, nil
}

// fakeTokenIDs tell the tokens of one name apart.
var fakeTokenIDs = map[string]int64{deployToken: 1, readToken: 2, adminToken: 3}

func (fakeTokens) VerifyToken(_ context.Context, plain string, _ netip.Addr) (controller.Token, error) {
	scopes := map[string]controller.Scope{
		readToken: controller.ScopeRead, deployToken: controller.ScopeDeploy, adminToken: controller.ScopeAdmin,
	}
	if scope, ok := scopes[plain]; ok {
		return controller.Token{ID: fakeTokenIDs[plain], Name: "ci", Scope: scope}, nil
	}
	return controller.Token{}, &controller.Problem{Kind: controller.KindUnauthorized, Message: "This token is unknown or has expired."}
}

// fakeAccounts has one account.
type fakeAccounts struct {
	mu       sync.Mutex
	account  controller.Account
	password string
	sessions *fakeSessions
	several  bool // the login form has a name field
}

func (f *fakeAccounts) SignIn(_ context.Context, name, password string) (controller.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if password == f.password {
		return f.account, nil
	}
	known := controller.Account{}
	if name == "" || name == f.account.Name {
		known.Name = f.account.Name
	}
	return known, &controller.Problem{
		Kind: controller.KindUnauthorized, Field: "password",
		Message: "Wrong user name or password.", Hint: "Try again.",
	}
}

func (f *fakeAccounts) Find(_ context.Context, id int64) (controller.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != f.account.ID {
		return controller.Account{}, controller.ErrNotFound
	}
	return f.account, nil
}

func (f *fakeAccounts) ChangePassword(ctx context.Context, id int64, old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old != f.password {
		return &controller.Problem{
			Kind: controller.KindInvalid, Field: "old_password",
			Message: "The current password is wrong.", Hint: "Type the password you signed in with.",
		}
	}
	if len(new) < 12 {
		return &controller.Problem{
			Kind: controller.KindInvalid, Field: "new_password",
			Message: "The password is too short.", Hint: "Use at least 12 characters.",
		}
	}
	f.password, f.account.MustChange = new, false
	return f.sessions.DeleteSessionsOf(ctx, id)
}

func (f *fakeAccounts) NoteLogin(context.Context, int64) error { return nil }

func (f *fakeAccounts) Decline(context.Context, int64) error { return nil }

func (f *fakeAccounts) Several(context.Context) (bool, error) { return f.several, nil }

func (f *fakeAccounts) List(context.Context) ([]controller.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []controller.Account{f.account}, nil
}

func (f *fakeAccounts) Create(context.Context, string) (string, error) { return "7KQ2-M9XA-P4RT", nil }

func (f *fakeAccounts) ResetOther(context.Context, int64, string) (string, error) {
	return "", &controller.Problem{Kind: controller.KindNotFound, Message: "There is no such account."}
}

func (f *fakeAccounts) Remove(context.Context, int64, string, string) error {
	return &controller.Problem{Kind: controller.KindNotFound, Message: "There is no such account."}
}

func (f *fakeAccounts) RemoveSecondFactor(context.Context, string) error {
	return &controller.Problem{Kind: controller.KindNotFound, Message: "There is no such account."}
}

// noFactors is for the tests that need no second factor; those that do have the real ones.
type noFactors struct{}

var errNoFactor = &controller.Problem{Kind: controller.KindConflict, Message: "There is no second factor."}

func (noFactors) Begin(context.Context, controller.Account, string) ([]byte, error) {
	return nil, errNoFactor
}

func (noFactors) SharedKey(int64, []byte) (secret.SharedKey, error) {
	return secret.SharedKey{}, errNoFactor
}

func (noFactors) Confirm(context.Context, int64, []byte, string) ([]string, error) {
	return nil, errNoFactor
}

func (noFactors) Check(context.Context, int64, string) (bool, error) { return false, errNoFactor }

func (noFactors) RenewRecoveryCodes(context.Context, int64, string, string) ([]string, error) {
	return nil, errNoFactor
}

func (noFactors) Disable(context.Context, int64, string, string) error { return errNoFactor }

// fakeSessions is a session ledger in memory.
type fakeSessions struct {
	mu   sync.Mutex
	rows map[string]controller.Session
}

func newFakeSessions() *fakeSessions {
	return &fakeSessions{rows: make(map[string]controller.Session)}
}

func (f *fakeSessions) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.rows)
}

// age moves every session into the past.
func (f *fakeSessions) age(created, seen time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash, row := range f.rows {
		row.CreatedAt, row.SeenAt = row.CreatedAt.Add(-created), row.SeenAt.Add(-seen)
		f.rows[hash] = row
	}
}

func (f *fakeSessions) CreateSession(_ context.Context, s controller.Session) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[s.Hash] = s
	return nil
}

func (f *fakeSessions) UpdateSession(_ context.Context, s controller.Session) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.rows[s.Hash]; !ok {
		return controller.ErrNotFound
	}
	f.rows[s.Hash] = s
	return nil
}

func (f *fakeSessions) ListSessionsOf(_ context.Context, account int64) ([]controller.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var listed []controller.Session
	for _, row := range f.rows {
		if row.Account == account {
			listed = append(listed, row)
		}
	}
	slices.SortFunc(listed, func(a, b controller.Session) int { return b.SeenAt.Compare(a.SeenAt) })
	return listed, nil
}

func (f *fakeSessions) DeleteSessionOf(_ context.Context, account int64, hash string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows[hash].Account != account {
		return controller.ErrNotFound
	}
	delete(f.rows, hash)
	return nil
}

func (f *fakeSessions) DeleteOtherSessionsOf(_ context.Context, account int64, kept string) error {
	return f.deleteWhere(func(s controller.Session) bool { return s.Account == account && s.Hash != kept })
}

func (f *fakeSessions) TrimSessionsOf(context.Context, int64, int) error { return nil }

func (f *fakeSessions) FindSession(_ context.Context, hash string) (controller.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, ok := f.rows[hash]
	if !ok {
		return row, controller.ErrNotFound
	}
	return row, nil
}

func (f *fakeSessions) DeleteSession(_ context.Context, hash string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rows, hash)
	return nil
}

func (f *fakeSessions) DeleteSessionsOf(_ context.Context, account int64) error {
	return f.deleteWhere(func(s controller.Session) bool { return s.Account == account })
}

func (f *fakeSessions) DeleteExpiredSessions(_ context.Context, now time.Time, life controller.SessionLife) error {
	return f.deleteWhere(func(s controller.Session) bool { return s.Expired(now, life) })
}

func (f *fakeSessions) deleteWhere(match func(controller.Session) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash, row := range f.rows {
		if match(row) {
			delete(f.rows, hash)
		}
	}
	return nil
}
