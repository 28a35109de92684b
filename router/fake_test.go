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
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/egress"
	"berth/controller/environment"
	"berth/controller/label"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/uploads"
	"berth/traefik"
)

// fakeApps is a controller in memory. A hook, where it is set, decides what the
// method of its name answers.
type fakeApps struct {
	mu       sync.Mutex
	apps     map[app.Name]controller.AppView
	looked   int // how often somebody looked at the list
	releases map[app.ReleaseID]app.Release
	logs     map[app.ReleaseID][]byte
	output   []docker.Line
	places   map[app.ReleaseID]int
	ticks    map[chan struct{}]struct{}
	calls    []string

	environment environment.Environment // of every app
	forbidden   []app.Waiver

	variables map[int64][]app.Variable // by the number of a release
	archives  string                   // the folder of newSources

	onReceive func(io.Reader) (*uploads.Archive, error)
	onAccept  func(controller.Upload) (app.Release, error)
	onAct     func(verb string, name app.Name) error
	onExamine func(controller.Upload) (app.Preview, error)

	held     map[controller.HeldKey]controller.Held
	deployed map[controller.HeldKey]app.Release
}

func newFakeApps() *fakeApps {
	return &fakeApps{
		apps:     make(map[app.Name]controller.AppView),
		releases: make(map[app.ReleaseID]app.Release),
		logs:     make(map[app.ReleaseID][]byte),
		places:   make(map[app.ReleaseID]int),
		ticks:    make(map[chan struct{}]struct{}),
		held:     make(map[controller.HeldKey]controller.Held),
		deployed: make(map[controller.HeldKey]app.Release),
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

func (f *fakeApps) putRelease(release app.Release) {
	f.change(func() { f.releases[release.ReleaseID] = release })
}

func (f *fakeApps) appendLog(id app.ReleaseID, text string) {
	f.change(func() { f.logs[id] = append(f.logs[id], text...) })
}

func (f *fakeApps) Receive(r io.Reader) (*uploads.Archive, error) {
	if f.onReceive != nil {
		return f.onReceive(r)
	}
	n, err := io.Copy(io.Discard, r)
	f.note("receive %d", n)
	if err != nil {
		return nil, err
	}
	return &uploads.Archive{Bytes: n}, nil
}

func (f *fakeApps) Accept(ctx context.Context, u controller.Upload) (app.Release, error) {
	switch {
	case u.Held != (controller.HeldKey{}):
		return f.acceptHeld(ctx, u)
	case u.Next && u.Archive == nil:
		return f.acceptNextImage(u)
	case u.Next:
		return f.acceptNext(u)
	}
	made := string(u.Image)
	if u.Archive != nil {
		made = u.Archive.Name
	}
	settings := app.Settings{}
	if u.Settings != nil {
		settings = *u.Settings
	}
	if settings.Fallback {
		made += " with fallback"
	}
	if settings.Database {
		made += " waived database"
	}
	f.note("accept %s %s %d %s by %s", u.Name, u.Route, settings.Port, made, u.By)
	if f.onAccept != nil {
		return f.onAccept(u)
	}
	release := aRelease(u.Name, 1, app.ReleaseQueued)
	f.putRelease(release)
	f.put(controller.AppView{
		App: app.App{
			Name: u.Name, Routes: []traefik.Route{u.Route}, CreatedAt: time.Now(),
			Observed: app.Observed{State: app.Waiting},
		},
		Latest: &release, UnderWay: &release,
	})
	return release, nil
}

func (f *fakeApps) ForbiddenWaivers() []app.Waiver { return f.forbidden }

func (f *fakeApps) Examine(_ context.Context, u controller.Upload) (app.Preview, error) {
	if u.Archive == nil {
		u.Archive = &uploads.Archive{Name: string(u.Image)}
	}
	f.note("examine %s %s", u.Name, u.Archive.Name)
	if f.onExamine != nil {
		return f.onExamine(u)
	}
	return app.Preview{
		Kind: "Static site", Dockerfile: "FROM scratch\nCOPY site/ /site/\n",
		Reasons: []string{"There is an index.html at the top."}, Services: []string{"main"},
		Plan:  []app.ServicePreview{{Name: "main", Main: true, Port: 80, Copies: 1, Volumes: []string{"data:/data"}}},
		Notes: []string{"A note."},
	}, nil
}

func (f *fakeApps) Hold(owner string, app app.Name, archive *uploads.Archive, preview app.Preview) controller.Held {
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
	return controller.Held{}, problem.Conflict("The archive is not here any more.", "Choose it again.").At("archive")
}

func (f *fakeApps) Drop(key controller.HeldKey) {
	f.note("drop %s", key.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.held, key)
}

func (f *fakeApps) acceptNext(u controller.Upload) (app.Release, error) {
	f.note("update %s %s by %s", u.Name, u.Archive.Name, u.By)
	if f.onAccept != nil {
		return f.onAccept(u)
	}
	release := aRelease(u.Name, 9, app.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) acceptNextImage(u controller.Upload) (app.Release, error) {
	if err := f.act(fmt.Sprintf("run %s by %s", u.Image, u.By), u.Name); err != nil {
		return app.Release{}, err
	}
	release := aRelease(u.Name, 9, app.ReleaseQueued)
	release.Reference = u.Image
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) acceptHeld(ctx context.Context, u controller.Upload) (app.Release, error) {
	key := u.Held
	held, err := f.Held(key)
	if err != nil {
		return app.Release{}, err
	}
	f.mu.Lock()
	release, done := f.deployed[key]
	f.mu.Unlock()
	if done {
		return release, nil
	}
	u.Held, u.Archive = controller.HeldKey{}, &uploads.Archive{Name: held.Name, Bytes: held.Bytes}
	release, err = f.Accept(ctx, u)
	if err == nil {
		f.mu.Lock()
		f.deployed[key] = release
		f.mu.Unlock()
	}
	return release, err
}

func (f *fakeApps) Rollback(_ context.Context, name app.Name, number int64, by string) (app.Release, error) {
	if err := f.act(fmt.Sprintf("roll back to r%d by %s", number, by), name); err != nil {
		return app.Release{}, err
	}
	release := aRelease(name, 9, app.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) Retry(_ context.Context, id app.ReleaseID, changes controller.Retry, by string) (app.Release, error) {
	if err := f.act(fmt.Sprintf("retry r%d with port %d, %d MB, root %t, mount %s:%s by %s", id.Number, changes.Settings.Port,
		changes.Settings.MemoryBytes>>20, changes.Settings.WritableRoot, changes.Mount.Volume, changes.Mount.Target, by), id.App); err != nil {
		return app.Release{}, err
	}
	release := aRelease(id.App, 9, app.ReleaseQueued)
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) SettingsRange() (least, most app.SettingsForm) {
	return app.SettingsForm{Memory: "16", CPU: "5", Processes: "10"}, app.SettingsForm{Memory: "2048", CPU: "200", Processes: "500"}
}

func (f *fakeApps) ParseSettings(form app.SettingsForm) (app.Settings, error) {
	var problems problem.Problems
	number := func(field, text string) (n int64) {
		if _, err := fmt.Sscan(text, &n); err != nil {
			problems = append(problems, problem.Invalid(fmt.Sprintf("%q is no %s.", text, field), "Give a number.").At(field))
		}
		return n
	}
	parsed := app.Settings{
		MemoryBytes: number("memory", form.Memory) << 20, NanoCPUs: number("cpu", form.CPU) * 10_000_000,
		Processes: number("processes", form.Processes), WritableRoot: form.WritableRoot,
		Database: form.Database, DatabaseServices: app.ServiceNames(form.DatabaseServices), Fallback: form.Fallback,
	}
	parsed.Egress, _ = egress.Parse(form.Egress)
	port, err := app.ParsePort(form.Port)
	if problem, ok := errors.AsType[*problem.Problem](err); ok {
		problems = append(problems, problem)
	}
	parsed.Port = port
	readiness, wrong := app.ParseReadiness(form.Readiness)
	parsed.Readiness, problems = readiness, append(problems, wrong...)
	parsed.Choices, wrong = app.ParseChoices(form.Choices)
	problems = append(problems, wrong...)
	if len(problems) > 0 {
		return app.Settings{}, problems
	}
	return parsed, nil
}

func (f *fakeApps) UpdateSettings(_ context.Context, name app.Name, settings app.Settings, by string) (app.Release, error) {
	if err := f.act(fmt.Sprintf("settings %+v by %s", settings, by), name); err != nil {
		return app.Release{}, err
	}
	if view, err := f.App(context.Background(), name); err != nil || settings == view.Settings {
		return app.Release{}, err
	}
	release := aRelease(name, 9, app.ReleaseQueued)
	release.Cause, release.RerunOf, release.Settings = app.CauseSettings, 2, settings
	f.putRelease(release)
	return release, nil
}

func (f *fakeApps) UpdateAccess(_ context.Context, app app.Name, change app.AccessChange) (traefik.Access, error) {
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

func (f *fakeApps) Environment(_ context.Context, app app.Name) (environment.Environment, error) {
	if _, err := f.App(context.Background(), app); err != nil {
		return environment.Environment{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.environment, nil
}

func (f *fakeApps) UpdateEnvironment(_ context.Context, owner app.Name, change app.EnvironmentChange) (environment.Environment, error) {
	if err := f.act("environment "+change.Summary(), owner); err != nil {
		return environment.Environment{}, err
	}
	names := change.Remove
	for _, wish := range change.Set {
		names = append(names, wish.Name)
	}
	for _, name := range names {
		if err := app.CheckVariableName(name); err != nil {
			return environment.Environment{}, err
		}
	}
	return f.Environment(context.Background(), owner)
}

func (f *fakeApps) ApplyEnvironment(_ context.Context, name app.Name, by string) (app.Release, error) {
	if err := f.act("apply environment by "+by, name); err != nil {
		return app.Release{}, err
	}
	if saved, err := f.Environment(context.Background(), name); err != nil || saved.Unapplied() == 0 {
		return app.Release{}, err
	}
	release := aRelease(name, 9, app.ReleaseQueued)
	release.Cause, release.RerunOf = app.CauseEnvironment, 2
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

func (f *fakeApps) Looked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked++
}

func (f *fakeApps) App(_ context.Context, name app.Name) (controller.AppView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	view, ok := f.apps[name]
	if !ok {
		return view, problem.NotFound(fmt.Sprintf("There is no app called %s.", name), "")
	}
	return view, nil
}

func (f *fakeApps) Releases(_ context.Context, name app.Name) ([]app.Release, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var releases []app.Release
	for id, release := range f.releases {
		if id.App == name {
			releases = append(releases, release)
		}
	}
	slices.SortFunc(releases, func(a, b app.Release) int { return cmp.Compare(b.Number, a.Number) })
	return releases, nil
}

func (f *fakeApps) Release(_ context.Context, id app.ReleaseID) (app.Release, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	release, ok := f.releases[id]
	if !ok {
		return release, problem.NotFound(fmt.Sprintf("There is no release %s.", id), "")
	}
	return release, nil
}

func (f *fakeApps) ReleaseLog(id app.ReleaseID) (io.ReadSeekCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.logs[id]; !ok {
		return nil, problem.NotFound("There is no log.", "")
	}
	return &growingLog{fake: f, id: id}, nil
}

func (f *fakeApps) QueuePlace(id app.ReleaseID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.places[id]
}

func (f *fakeApps) Output(ctx context.Context, _ app.Name, lines int, follow bool, each func(docker.Line) error) error {
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

func (f *fakeApps) OutputAfter(ctx context.Context, app app.Name, after docker.Cursor, each func(docker.Line) error) error {
	if !after.Knows("") {
		return docker.ErrCursor
	}
	return f.Output(ctx, app, 1_000_000, true, after.Rest("", each))
}

func (f *fakeApps) Subscribe(app.Name) (<-chan struct{}, func()) {
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

func (f *fakeApps) act(verb string, name app.Name) error {
	f.note("%s %s", verb, name)
	if f.onAct != nil {
		return f.onAct(verb, name)
	}
	return nil
}

func (f *fakeApps) UpdateLabels(_ context.Context, name app.Name, labels label.Labels) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	view, there := f.apps[name]
	if !there {
		return problem.ErrNotFound
	}
	view.Labels = labels
	f.apps[name] = view
	return nil
}

func (f *fakeApps) Start(_ context.Context, name app.Name) error {
	return f.act("start", name)
}

func (f *fakeApps) Stop(_ context.Context, name app.Name) error {
	return f.act("stop", name)
}

func (f *fakeApps) Restart(_ context.Context, name app.Name) error {
	return f.act("restart", name)
}

func (f *fakeApps) Cancel(_ context.Context, id app.ReleaseID) error {
	return f.act("cancel", id.App)
}

func (f *fakeApps) Delete(_ context.Context, name app.Name, confirm string) error {
	if confirm != string(name) {
		return problem.Invalid(fmt.Sprintf("%q is not the name of this app.", confirm), "Type it exactly.").At("confirm")
	}
	return f.act("delete", name)
}

// growingLog reads a log of the fake as a file that grows.
type growingLog struct {
	fake   *fakeApps
	id     app.ReleaseID
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
func aRelease(name app.Name, number int64, state app.ReleaseState) app.Release {
	began := time.Now().Add(-3 * time.Minute)
	release := app.Release{
		ReleaseID: app.ReleaseID{App: name, Number: number}, State: state, Settings: app.DefaultSettings(),
		ArchiveName: "app.zip", ArchiveBytes: 48213, CreatedBy: "admin", CreatedAt: began,
	}
	order := []app.ReleaseState{
		app.ReleaseQueued, app.ReleaseBuilding, app.ReleaseStarting,
		app.ReleaseVerifying, app.ReleaseLive,
	}
	reach := slices.Index(order, state)
	switch state {
	case app.ReleaseSuperseded:
		reach = 4
	case app.ReleaseFailed, app.ReleaseCancelled:
		reach = 1
	}
	entered := []time.Duration{0, 40 * time.Millisecond, 18 * time.Second, 18400 * time.Millisecond, 21 * time.Second}
	for i := range reach + 1 {
		release.Steps = append(release.Steps, app.Step{State: order[i], At: began.Add(entered[i])})
	}
	if !state.UnderWay() {
		release.FinishedAt = began.Add(entered[reach] + 100*time.Millisecond)
	}
	return release
}

// The bearer tokens that fakeTokens knows.
const (
	metricsToken = "token-metrics"
	readToken    = "token-read"
	deployToken  = "token-deploy"
	adminToken   = "token-admin"
)

type fakeTokens struct{}

func (fakeTokens) MintToken(context.Context, account.TokenOptions) (string, error) {
	return "berth_fresh", nil
}

// List has a token of each state.
func (fakeTokens) List(context.Context) ([]account.Token, error) {
	now, office := time.Now(), account.AddressRanges{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("2001:db8:40::/48")}
	day := 24 * time.Hour
	return []account.Token{
		{ID: 4, Name: "CI of shop", Scope: account.ScopeDeploy, CreatedBy: "admin", CreatedAt: now.Add(-2 * day), ExpiresAt: now.Add(88 * day), UsedAt: now.Add(-4 * time.Minute), UsedFrom: "10.20.3.4", Ranges: office},
		{ID: 3, Name: "laptop", Scope: account.ScopeAdmin, CreatedAt: now.Add(-26 * day), ExpiresAt: now.Add(4 * day)},
		{ID: 2, Name: "a name as long as a name can be, which is sixty letters long", Scope: account.ScopeRead, CreatedBy: "admin", CreatedAt: now.Add(-9 * day), ExpiresAt: now.Add(20 * day), RevokedAt: now.Add(-time.Hour), UsedAt: now.Add(-2 * time.Hour), UsedFrom: "2001:db8:40:1234:5678:9abc:def0:1234"},
		{ID: 1, Name: "old", Scope: account.ScopeRead, CreatedBy: "admin", CreatedAt: now.Add(-40 * day), ExpiresAt: now.Add(-10 * day)},
	}, nil
}

func (fakeTokens) Revoke(_ context.Context, id int64) (account.Token, error) {
	return account.Token{ID: id, Name: "ci", Scope: account.ScopeRead}, nil
}

// fakeTokenIDs tell the tokens of one name apart.
var fakeTokenIDs = map[string]int64{deployToken: 1, readToken: 2, adminToken: 3, metricsToken: 4}

func (fakeTokens) VerifyToken(_ context.Context, plain string, _ netip.Addr) (account.Token, error) {
	scopes := map[string]account.Scope{
		metricsToken: account.ScopeMetrics, readToken: account.ScopeRead, deployToken: account.ScopeDeploy, adminToken: account.ScopeAdmin,
	}
	if scope, ok := scopes[plain]; ok {
		return account.Token{ID: fakeTokenIDs[plain], Name: "ci", Scope: scope}, nil
	}
	return account.Token{}, problem.Unauthorized("This token is unknown or has expired.", "")
}

// fakeAccounts has one account.
type fakeAccounts struct {
	mu       sync.Mutex
	account  account.Account
	password string
	sessions *fakeSessions
	several  bool // the login form has a name field
}

func (f *fakeAccounts) SignIn(_ context.Context, name, password string) (account.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if password == f.password {
		return f.account, nil
	}
	known := account.Account{}
	if name == "" || name == f.account.Name {
		known.Name = f.account.Name
	}
	return known, problem.Unauthorized("Wrong user name or password.", "Try again.").At("password")
}

func (f *fakeAccounts) Find(_ context.Context, id int64) (account.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != f.account.ID {
		return account.Account{}, problem.ErrNotFound
	}
	return f.account, nil
}

func (f *fakeAccounts) ChangePassword(ctx context.Context, id int64, old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old != f.password {
		return problem.Invalid("The current password is wrong.", "Type the password you signed in with.").At("old_password")
	}
	if len(new) < 12 {
		return problem.Invalid("The password is too short.", "Use at least 12 characters.").At("new_password")
	}
	f.password, f.account.MustChange = new, false
	return f.sessions.DeleteSessionsOf(ctx, id)
}

func (f *fakeAccounts) NoteLogin(context.Context, int64) error { return nil }

func (f *fakeAccounts) Decline(context.Context, int64) error { return nil }

func (f *fakeAccounts) Several(context.Context) (bool, error) { return f.several, nil }

func (f *fakeAccounts) List(context.Context) ([]account.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []account.Account{f.account}, nil
}

func (f *fakeAccounts) Create(context.Context, string) (string, error) { return "7KQ2-M9XA-P4RT", nil }

func (f *fakeAccounts) ResetOther(context.Context, int64, string) (string, error) {
	return "", problem.NotFound("There is no such account.", "")
}

func (f *fakeAccounts) Remove(context.Context, int64, string, string) error {
	return problem.NotFound("There is no such account.", "")
}

func (f *fakeAccounts) RemoveSecondFactor(context.Context, string) error {
	return problem.NotFound("There is no such account.", "")
}

// noFactors is for the tests that need no second factor; those that do have the real ones.
type noFactors struct{}

var errNoFactor = problem.Conflict("There is no second factor.", "")

func (noFactors) Begin(context.Context, account.Account, string) ([]byte, error) {
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
	rows map[string]account.Session
}

func newFakeSessions() *fakeSessions {
	return &fakeSessions{rows: make(map[string]account.Session)}
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

func (f *fakeSessions) CreateSession(_ context.Context, s account.Session) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[s.Hash] = s
	return nil
}

func (f *fakeSessions) UpdateSession(_ context.Context, s account.Session) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.rows[s.Hash]; !ok {
		return problem.ErrNotFound
	}
	f.rows[s.Hash] = s
	return nil
}

func (f *fakeSessions) ListSessionsOf(_ context.Context, who int64) ([]account.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var listed []account.Session
	for _, row := range f.rows {
		if row.Account == who {
			listed = append(listed, row)
		}
	}
	slices.SortFunc(listed, func(a, b account.Session) int { return b.SeenAt.Compare(a.SeenAt) })
	return listed, nil
}

func (f *fakeSessions) DeleteSessionOf(_ context.Context, account int64, hash string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows[hash].Account != account {
		return problem.ErrNotFound
	}
	delete(f.rows, hash)
	return nil
}

func (f *fakeSessions) DeleteOtherSessionsOf(_ context.Context, who int64, kept string) error {
	return f.deleteWhere(func(s account.Session) bool { return s.Account == who && s.Hash != kept })
}

func (f *fakeSessions) TrimSessionsOf(context.Context, int64, int) error { return nil }

func (f *fakeSessions) FindSession(_ context.Context, hash string) (account.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, ok := f.rows[hash]
	if !ok {
		return row, problem.ErrNotFound
	}
	return row, nil
}

func (f *fakeSessions) DeleteSession(_ context.Context, hash string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rows, hash)
	return nil
}

func (f *fakeSessions) DeleteSessionsOf(_ context.Context, who int64) error {
	return f.deleteWhere(func(s account.Session) bool { return s.Account == who })
}

func (f *fakeSessions) DeleteExpiredSessions(_ context.Context, now time.Time, life account.SessionLife) error {
	return f.deleteWhere(func(s account.Session) bool { return s.Expired(now, life) })
}

func (f *fakeSessions) deleteWhere(match func(account.Session) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash, row := range f.rows {
		if match(row) {
			delete(f.rows, hash)
		}
	}
	return nil
}
