package router

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/limit"
	"berth/controller/uploads"
	"berth/traefik"
)

// leak is what an error of the inside might say.
const leak = "dial unix /var/run/docker.sock: SELECT secret FROM settings; goroutine 1 [running] internal-marker"

// failingApps is the fake with one method that fails with the leak.
type failingApps struct {
	*fakeApps
	mu      sync.Mutex
	method  string
	reached map[string]bool
}

func (f *failingApps) choose(method string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.method = method
}

func (f *failingApps) fail(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.method != method {
		return nil
	}
	f.reached[method] = true
	return errors.New(leak)
}

// failingRouting is the fake whose ParseRoute fails, where that is chosen.
type failingRouting struct {
	*fakeRouting
	chosen *failingApps
}

func (f failingRouting) ParseRoute(s string) (traefik.Route, error) {
	if err := f.chosen.fail("ParseRoute"); err != nil {
		return traefik.Route{}, err
	}
	return f.fakeRouting.ParseRoute(s)
}

func (f *failingApps) Receive(r io.Reader) (*uploads.Archive, error) {
	if err := f.fail("Receive"); err != nil {
		return nil, err
	}
	return f.fakeApps.Receive(r)
}

func (f *failingApps) Accept(ctx context.Context, u controller.Upload) (app.Release, error) {
	if err := f.fail("Accept"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.Accept(ctx, u)
}

func (f *failingApps) Examine(ctx context.Context, u controller.Upload) (app.Preview, error) {
	if err := f.fail("Examine"); err != nil {
		return app.Preview{}, err
	}
	return f.fakeApps.Examine(ctx, u)
}

func (f *failingApps) Held(key controller.HeldKey) (controller.Held, error) {
	if err := f.fail("Held"); err != nil {
		return controller.Held{}, err
	}
	return f.fakeApps.Held(key)
}

func (f *failingApps) Retry(ctx context.Context, id app.ReleaseID, changes controller.Retry, by string) (app.Release, error) {
	if err := f.fail("Retry"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.Retry(ctx, id, changes, by)
}

func (f *failingApps) Rollback(ctx context.Context, name app.Name, number int64, by string) (app.Release, error) {
	if err := f.fail("Rollback"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.Rollback(ctx, name, number, by)
}

func (f *failingApps) UpdateAccess(ctx context.Context, app app.Name, change app.AccessChange) (traefik.Access, error) {
	if err := f.fail("UpdateAccess"); err != nil {
		return traefik.Access{}, err
	}
	return f.fakeApps.UpdateAccess(ctx, app, change)
}

func (f *failingApps) ParseSettings(form app.SettingsForm) (app.Settings, error) {
	if err := f.fail("ParseSettings"); err != nil {
		return app.Settings{}, err
	}
	return f.fakeApps.ParseSettings(form)
}

func (f *failingApps) UpdateSettings(ctx context.Context, name app.Name, settings app.Settings, by string) (app.Release, error) {
	if err := f.fail("UpdateSettings"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.UpdateSettings(ctx, name, settings, by)
}

func (f *failingApps) Environment(ctx context.Context, app app.Name) (environment.Environment, error) {
	if err := f.fail("Environment"); err != nil {
		return environment.Environment{}, err
	}
	return f.fakeApps.Environment(ctx, app)
}

func (f *failingApps) UpdateEnvironment(ctx context.Context, app app.Name, change app.EnvironmentChange) (environment.Environment, error) {
	if err := f.fail("UpdateEnvironment"); err != nil {
		return environment.Environment{}, err
	}
	return f.fakeApps.UpdateEnvironment(ctx, app, change)
}

func (f *failingApps) ApplyEnvironment(ctx context.Context, name app.Name, by string) (app.Release, error) {
	if err := f.fail("ApplyEnvironment"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.ApplyEnvironment(ctx, name, by)
}

func (f *failingApps) Apps(ctx context.Context) ([]controller.AppView, error) {
	if err := f.fail("Apps"); err != nil {
		return nil, err
	}
	return f.fakeApps.Apps(ctx)
}

func (f *failingApps) App(ctx context.Context, app app.Name) (controller.AppView, error) {
	if err := f.fail("App"); err != nil {
		return controller.AppView{}, err
	}
	return f.fakeApps.App(ctx, app)
}

func (f *failingApps) Releases(ctx context.Context, app app.Name) ([]app.Release, error) {
	if err := f.fail("Releases"); err != nil {
		return nil, err
	}
	return f.fakeApps.Releases(ctx, app)
}

func (f *failingApps) Release(ctx context.Context, id app.ReleaseID) (app.Release, error) {
	if err := f.fail("Release"); err != nil {
		return app.Release{}, err
	}
	return f.fakeApps.Release(ctx, id)
}

func (f *failingApps) ReleaseLog(id app.ReleaseID) (io.ReadSeekCloser, error) {
	if err := f.fail("ReleaseLog"); err != nil {
		return nil, err
	}
	return f.fakeApps.ReleaseLog(id)
}

func (f *failingApps) Output(ctx context.Context, app app.Name, lines int, follow bool, each func(docker.Line) error) error {
	if err := f.fail("Output"); err != nil {
		return err
	}
	return f.fakeApps.Output(ctx, app, lines, false, each)
}

func (f *failingApps) OutputAfter(ctx context.Context, app app.Name, after docker.Cursor, each func(docker.Line) error) error {
	if err := f.fail("OutputAfter"); err != nil {
		return err
	}
	return f.fakeApps.OutputAfter(ctx, app, after, each)
}

func (f *failingApps) Start(ctx context.Context, app app.Name) error {
	return errors.Join(f.fail("Start"), f.fakeApps.Start(ctx, app))
}

func (f *failingApps) Stop(ctx context.Context, app app.Name) error {
	return errors.Join(f.fail("Stop"), f.fakeApps.Stop(ctx, app))
}

func (f *failingApps) Restart(ctx context.Context, app app.Name) error {
	return errors.Join(f.fail("Restart"), f.fakeApps.Restart(ctx, app))
}

func (f *failingApps) Delete(ctx context.Context, app app.Name, confirm string) error {
	return errors.Join(f.fail("Delete"), f.fakeApps.Delete(ctx, app, confirm))
}

func (f *failingApps) Cancel(ctx context.Context, id app.ReleaseID) error {
	return errors.Join(f.fail("Cancel"), f.fakeApps.Cancel(ctx, id))
}

// fallible lists the methods of the interface that can fail.
func fallible(of reflect.Type) []string {
	var names []string
	for method := range of.Methods() {
		results := method.Type.NumOut()
		if results > 0 && method.Type.Out(results-1) == reflect.TypeFor[error]() {
			names = append(names, method.Name)
		}
	}
	return names
}

// TestProblem_NoAnswerShowsAnErrorOfTheInside lets every method of the controller
// fail in turn, and asks for everything that there is.
func TestProblem_NoAnswerShowsAnErrorOfTheInside(t *testing.T) {
	t.Parallel()
	failing := &failingApps{reached: map[string]bool{}}
	s := newSite(t, func(o *Options) {
		fake, ok := o.Story.Apps.(*fakeApps)
		if !ok {
			t.Fatal("the controller is no fake")
		}
		failing.fakeApps = fake
		o.Limits = openLimits(t, freshLedger(t), time.Now, limit.Budgets{
			limit.Default: {{Requests: 1_000_000, Span: time.Hour}}, limit.Update: {{Requests: 1_000_000, Span: time.Hour}},
			limit.Upload: {{Requests: 1_000_000, Span: time.Hour}}, limit.Containers: {{Requests: 1_000_000, Span: time.Hour}},
			limit.Login: {{Requests: 1_000_000, Span: time.Hour}}, limit.Hosts: {{Requests: 1_000_000, Span: time.Hour}}, limit.Notifications: {{Requests: 1_000_000, Span: time.Hour}},
		})
		routes, ok := o.Routing.(*fakeRouting)
		if !ok {
			t.Fatal("the routes are no fake")
		}
		o.Story, o.Routing = storyOf(failing), failingRouting{routes, failing}
	})
	s.anApp("hello")
	s.apps.appendLog(app.ReleaseID{App: "hello", Number: 1}, "built\n")
	token := s.signIn()
	methods := append(fallible(reflect.TypeFor[allOfStory]()), "ParseRoute")
	for _, method := range methods {
		failing.choose(method)
		s.mustNotLeak(method, token)
		if !failing.reached[method] {
			t.Errorf("nothing that was asked for calls %s", method)
		}
	}
	mustContain(t, s.logged.String(), "internal-marker")
}

// failingKeepers fail in every method of the accounts, the tokens and the sessions,
// from the moment that they are broken on.
type failingKeepers struct {
	Accounts
	broken bool
}

func (f *failingKeepers) check() error {
	if f.broken {
		return errors.New(leak)
	}
	return nil
}

type failingAccounts struct{ *failingKeepers }

func (f failingAccounts) Find(ctx context.Context, id int64) (account.Account, error) {
	if err := f.check(); err != nil {
		return account.Account{}, err
	}
	return f.Accounts.Find(ctx, id)
}

type failingTokens struct {
	Tokens
	keepers *failingKeepers
}

func (f failingTokens) VerifyToken(ctx context.Context, plain string, from netip.Addr) (account.Token, error) {
	if err := f.keepers.check(); err != nil {
		return account.Token{}, err
	}
	return f.Tokens.VerifyToken(ctx, plain, from)
}

func (f failingTokens) List(ctx context.Context) ([]account.Token, error) {
	if err := f.keepers.check(); err != nil {
		return nil, err
	}
	return f.Tokens.List(ctx)
}

func (f failingTokens) MintToken(ctx context.Context, o account.TokenOptions) (string, error) {
	if err := f.keepers.check(); err != nil {
		return "", err
	}
	return f.Tokens.MintToken(ctx, o)
}

func (f failingTokens) Revoke(ctx context.Context, id int64) (account.Token, error) {
	if err := f.keepers.check(); err != nil {
		return account.Token{}, err
	}
	return f.Tokens.Revoke(ctx, id)
}

type failingKeys struct {
	Keys
	keepers *failingKeepers
}

func (f failingKeys) List(ctx context.Context) ([]account.Key, error) {
	if err := f.keepers.check(); err != nil {
		return nil, err
	}
	return f.Keys.List(ctx)
}

func (f failingKeys) Add(ctx context.Context, owner int64, name, line string) (account.Key, error) {
	if err := f.keepers.check(); err != nil {
		return account.Key{}, err
	}
	return f.Keys.Add(ctx, owner, name, line)
}

func (f failingKeys) Remove(ctx context.Context, id int64) (account.Key, error) {
	if err := f.keepers.check(); err != nil {
		return account.Key{}, err
	}
	return f.Keys.Remove(ctx, id)
}

type failingSessions struct {
	account.SessionLedger
	keepers *failingKeepers
}

func (f failingSessions) FindSession(ctx context.Context, hash string) (account.Session, error) {
	if err := f.keepers.check(); err != nil {
		return account.Session{}, err
	}
	return f.SessionLedger.FindSession(ctx, hash)
}

func TestProblem_NoAnswerShowsAnErrorOfTheLedger(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Options, *failingKeepers){
		"accounts": func(o *Options, f *failingKeepers) { f.Accounts = o.Accounts; o.Accounts = failingAccounts{f} },
		"tokens":   func(o *Options, f *failingKeepers) { o.Tokens = failingTokens{o.Tokens, f} },
		"keys":     func(o *Options, f *failingKeepers) { o.Keys = failingKeys{o.Keys, f} },
		"sessions": func(o *Options, f *failingKeepers) { o.Sessions = failingSessions{o.Sessions, f} },
	} {
		keepers := &failingKeepers{}
		s := newSite(t, func(o *Options) { spoil(o, keepers) })
		s.anApp("hello")
		token := s.signIn()
		keepers.broken = true
		s.mustNotLeak(name, token)
	}
}

// mustNotLeak asks for everything and looks for the leak in it.
func (s *site) mustNotLeak(broken, formToken string) {
	s.t.Helper()
	for _, answer := range s.everything(formToken, slices.Contains(readOnStreams, broken)) {
		shown := answer.body
		for _, values := range answer.Header {
			shown += "\n" + strings.Join(values, " ")
		}
		for _, word := range []string{"marker", "docker.sock", "SELECT", "goroutine"} {
			if strings.Contains(shown, word) {
				s.t.Errorf("%s failed, and %s %s shows: %.600s", broken, answer.Request.Method, answer.Request.URL.Path, shown)
			}
		}
	}
}

// brief reads a page, or the beginning of a stream.
func (s *site) brief(path string, stream bool) answer {
	s.t.Helper()
	wait := 20 * time.Second
	if stream {
		wait = 60 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), wait)
	defer cancel()
	request := s.request(http.MethodGet, path, nil).WithContext(ctx)
	response, err := s.client.Do(request)
	if err != nil && stream {
		return answer{&http.Response{Request: request}, ""}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil && !stream {
		s.t.Fatal(err)
	}
	return answer{response, string(body)}
}

// readOnStreams is what event streams ask the controller, and the keepers.
var readOnStreams = []string{"Apps", "App", "Releases", "Release", "ReleaseLog", "Output", "OutputAfter", "accounts", "sessions"}

// everything asks for every line of the table but the one that signs out, and
// uploads to those that take an archive.
func (s *site) everything(formToken string, streams bool) []answer {
	s.t.Helper()
	var answers []answer
	fields := url.Values{
		formField: {formToken}, "confirm": {"hello"}, "release": {"1"}, "memory": {"512"}, "cpu": {"50"}, "processes": {"100"},
	}
	json := map[string]string{
		"/api/v1/apps/:name/releases/:number/retry": `{}`,
		"/api/v1/apps/:name/rollback":               `{"release": 1}`, "/api/v1/apps/:name/settings": `{"memory_mb": 256}`,
	}
	for _, r := range new(admin).routes() {
		path := concrete(r.path)
		bearer := ""
		if !r.access.session && r.access.scope != "" {
			bearer = adminToken
		}
		switch {
		case r.stream && !streams:
		case r.path == "/logout", slices.Contains([]string{"/login", "/password"}, r.path) && r.method == post:
		case r.form == inStream:
			form := []part{{formField, formToken, ""}, {"name", "hello", ""}, {"route", "/hello", ""}}
			answers = append(answers, s.upload(path, bearer, append(form, zipPart)...),
				s.upload(path, bearer, append(form, part{fieldCheck, "true", ""}, zipPart)...),
				s.upload(path, bearer, append(form, part{fieldImage, "web:1", ""})...),
				s.upload(path, bearer, append(form, part{fieldHeld, strings.Repeat("A", 26), ""})...))
		case bearer != "":
			answers = append(answers, s.bearer(bearer, r.method, path, json[r.path]))
		case r.path == heldPath:
			answers = append(answers, s.get(strings.Replace(r.path, ":id", strings.Repeat("A", 26), 1)))
		case r.method == http.MethodGet:
			if strings.HasSuffix(path, "/output/events") {
				path += "?after=,o,1,1"
			}
			answers = append(answers, s.brief(path, r.stream))
		default:
			answers = append(answers, s.post(path, fields))
		}
	}
	return answers
}
