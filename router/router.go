// Package router is the admin app: it turns HTTP requests into calls of the
// controller, and what comes back into pages, streams and JSON.
//
// routes.go is the whole surface: a request that has no entry there is answered
// with 404, and an entry that names no access lets nobody in.
package router

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-gonic/gin"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/secret"
	"berth/router/help"
	"berth/templates"
)

// Story is what the admin app asks of the controller: one interface for each area of
// screens, all of them required.
type Story struct {
	Apps         Apps
	Uploads      Uploads
	Releases     Releases
	Settings     Settings
	Environments Environments
	Outputs      Outputs
}

func (s Story) complete() bool {
	return s.Apps != nil && s.Uploads != nil && s.Releases != nil && s.Settings != nil && s.Environments != nil && s.Outputs != nil
}

// Apps shows apps and acts on them.
type Apps interface {
	Apps(context.Context) ([]controller.AppView, error)
	App(context.Context, app.Name) (controller.AppView, error)
	// Looked notes that somebody looks at the list, so that all apps are measured often.
	Looked()
	Subscribe(app app.Name) (ticks <-chan struct{}, cancel func())

	Start(context.Context, app.Name) error
	Stop(context.Context, app.Name) error
	Restart(context.Context, app.Name) error
	Delete(ctx context.Context, app app.Name, confirm string) error
}

// Accounts signs people in, and keeps who can.
type Accounts interface {
	SignIn(ctx context.Context, name, password string) (account.Account, error)
	NoteLogin(ctx context.Context, id int64) error
	Find(ctx context.Context, id int64) (account.Account, error)
	ChangePassword(ctx context.Context, id int64, old, new string) error
	Decline(ctx context.Context, id int64) error

	Several(context.Context) (bool, error)
	List(context.Context) ([]account.Account, error)
	Create(ctx context.Context, name string) (oneTimePassword string, err error)
	ResetOther(ctx context.Context, self int64, name string) (oneTimePassword string, err error)
	Remove(ctx context.Context, self int64, name, confirm string) error
	RemoveSecondFactor(ctx context.Context, name string) error
}

// SecondFactors sets second factors up and checks their codes.
type SecondFactors interface {
	Begin(ctx context.Context, account account.Account, password string) (sealed []byte, err error)
	SharedKey(account int64, sealed []byte) (secret.SharedKey, error)
	Confirm(ctx context.Context, account int64, sealed []byte, code string) (recoveryCodes []string, err error)
	Check(ctx context.Context, account int64, code string) (recovery bool, err error)
	RenewRecoveryCodes(ctx context.Context, account int64, password, code string) ([]string, error)
	Disable(ctx context.Context, account int64, password, code string) error
}

// Tokens tells what a bearer token may do, makes tokens and takes them back.
type Tokens interface {
	VerifyToken(ctx context.Context, plain string, from netip.Addr) (account.Token, error)
	MintToken(context.Context, account.TokenOptions) (plain string, err error)
	List(context.Context) ([]account.Token, error)
	Revoke(ctx context.Context, id int64) (account.Token, error)
}

// Keys are the SSH keys that push with git.
type Keys interface {
	Add(ctx context.Context, account int64, name, line string) (account.Key, error)
	List(context.Context) ([]account.Key, error)
	Remove(ctx context.Context, id int64) (account.Key, error)
	Verify(ctx context.Context, public []byte) (account.Key, account.Account, error)
}

// Limits counts requests against their budgets. Where one does not fit, the
// error is a *limit.Exceeded.
type Limits interface {
	TakeDefault(limit.Subject) error
	Take(ctx context.Context, class limit.Class, subject limit.Subject) (refund func(), err error)
	TakeLogin(ctx context.Context, account string, address netip.Addr) (refund func(), err error)
	Remember(ctx context.Context, account string, address netip.Addr) error
	State(context.Context) (limit.State, error)
	Clear(context.Context, limit.Key) error
	Room(context.Context, limit.Class, limit.Subject) (limit.Room, error)
	Choose(context.Context, limit.Class, limit.Budget) error
	Reset(context.Context, limit.Class) error
}

// AuditLog keeps what was done, and shows it.
type AuditLog interface {
	audit.Auditor
	List(context.Context, audit.Filter, audit.Page) ([]audit.Entry, error)
	Each(context.Context, audit.Filter, func(audit.Entry) error) error
	Actions(context.Context) ([]audit.Action, error)
	Accounts(context.Context) ([]string, error)
	CheckHead(context.Context) (entries int64, good bool, err error)
	Verify(context.Context) (audit.Verdict, error)
	LastVerdict() audit.Verdict
}

// Options are what the admin app needs. Fields are required unless they say otherwise.
type Options struct {
	Story      Story
	Volumes    Volumes
	Mounts     Mounts
	Backups    Backups
	Hooks      Hooks
	Commands   Commands
	Routing    Routing
	Ports      Ports
	Egress     Egress // nil where nobody follows it
	Domains    Domains
	Metrics    Metrics
	Disks      Disks
	Pushes     Pushes
	Webhooks   Webhooks
	TagWatches TagWatches
	Registries Registries
	Moves      Moves
	Labels     Labels
	Repeats    Repeats
	Sources    Sources
	Duplicates Duplicates
	Renames    Renames
	Logs       Logs
	Events     Events
	Alerts     Alerts
	Heart      Heart
	Accounts   Accounts
	Factors    SecondFactors
	Tokens     Tokens
	Keys       Keys
	Sessions   account.SessionLedger
	Audit      AuditLog
	Limits     Limits
	SecretKey  []byte // at least 32 bytes; form tokens are derived from it
	Logger     *slog.Logger

	PublicHTTPPort  int       // where the proxy answers http; 0 means that it does not
	PublicHTTPSPort int       // where the proxy answers https; 0 means that it does not
	AdminHost       string    // the host name that browsers sign in at, and that no app answers on
	AppsHost        string    // a name or address of this machine that links to apps show; empty: what the admin host tells
	AdminHosts      []string  // further host names that the admin app answers to besides localhost; may be empty
	ForceHTTPS      bool      // plain requests are sent to https, and links to apps use it
	AppsApart       bool      // make up keeps apps from the services of this machine
	Builds          Builds    // what make up keeps them from
	Broker          Broker    // in front of the engine; nil where nobody follows it
	Checklist       Checklist // nil where nobody checks
	Prober          Prober    // likewise
	Version         string    // shown in the footer; may be empty
	SSH             SSH       // where pushes are taken over SSH; the zero value: nowhere

	TrustedProxies []netip.Prefix      // whose X-Forwarded-For is believed; empty believes nobody's
	Gateway        netip.Addr          // whom the engine's published port shows instead of clients; may be the zero Addr
	SessionLife    account.SessionLife // the zero value stands for the default
}

const minSecretKey = 32

// admin is the admin app; its methods are the screens.
type admin struct {
	apps         Apps
	uploads      Uploads
	releases     Releases
	settings     Settings
	environments Environments
	outputs      Outputs
	volumes      Volumes
	mounts       Mounts
	backups      Backups
	hooks        Hooks
	commands     Commands
	routing      Routing
	ports        Ports
	egress       Egress
	domains      Domains
	metrics      Metrics
	disks        Disks
	pushes       Pushes
	webhooks     Webhooks
	tagWatches   TagWatches
	registries   Registries
	moves        Moves
	labels       Labels
	sources      Sources
	duplicates   Duplicates
	renames      Renames
	logs         Logs
	events       Events
	alerts       Alerts
	heart        Heart
	accounts     Accounts
	factors      SecondFactors
	tokens       Tokens
	keys         Keys
	ssh          SSH
	sessions     *sessionStore
	audit        AuditLog
	appsApart    bool
	builds       Builds
	broker       Broker
	checklist    Checklist
	prober       Prober
	formKey      []byte
	limits       Limits
	previews     *previews
	turns        *turns
	repeats      Repeats
	templates    *templates.Set
	rows         rowCache
	editing      []route // whose forms edit what is there
	sparks       sparkCache
	trouble      troubleCache
	public       publicAddress
	document     func() ([]byte, error) // of the API
	guides       func() (*help.Library, error)
	secure       bool   // ForceHTTPS
	host         string // AdminHost
	hosts        map[string]bool
	proxies      []netip.Prefix
	gateway      netip.Addr
	version      string
	logger       *slog.Logger
	now          func() time.Time
}

// missing names the parts without which there is no admin app.
func (o Options) missing() (names []string) {
	if !o.Story.complete() {
		names = append(names, "a whole story")
	}
	for _, part := range []struct {
		name  string
		given any
	}{
		{"volumes", o.Volumes},
		{"mounts", o.Mounts},
		{"backups", o.Backups},
		{"hooks", o.Hooks},
		{"commands", o.Commands},
		{"routing", o.Routing},
		{"ports", o.Ports},
		{"domains", o.Domains},
		{"metrics", o.Metrics},
		{"disks", o.Disks},
		{"pushes", o.Pushes},
		{"webhooks", o.Webhooks},
		{"watches of tags", o.TagWatches},
		{"registries", o.Registries},
		{"moves", o.Moves},
		{"labels", o.Labels},
		{"repeats", o.Repeats},
		{"sources", o.Sources},
		{"duplicates", o.Duplicates},
		{"renames", o.Renames},
		{"logs", o.Logs},
		{"events", o.Events},
		{"alerts", o.Alerts},
		{"a heart", o.Heart},
		{"accounts", o.Accounts},
		{"second factors", o.Factors},
		{"tokens", o.Tokens},
		{"SSH keys", o.Keys},
		{"sessions", o.Sessions},
		{"an audit log", o.Audit},
		{"limits", o.Limits},
	} {
		if part.given == nil {
			names = append(names, part.name)
		}
	}
	if o.Logger == nil {
		names = append(names, "a logger")
	}
	return names
}

// New returns the admin app as a handler. It starts nothing.
func New(o Options) (http.Handler, error) {
	if len(o.SecretKey) < minSecretKey {
		return nil, fmt.Errorf("secret key has %d bytes, needs %d", len(o.SecretKey), minSecretKey)
	}
	if missing := o.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("router needs %s", strings.Join(missing, ", "))
	}
	if normalHost(o.AdminHost) == "" {
		return nil, errors.New("router needs a host name that no app answers on")
	}
	pages, err := templates.Open()
	if err != nil {
		return nil, fmt.Errorf("open templates: %w", err)
	}
	a := &admin{
		apps:         o.Story.Apps,
		uploads:      o.Story.Uploads,
		releases:     o.Story.Releases,
		settings:     o.Story.Settings,
		environments: o.Story.Environments,
		outputs:      o.Story.Outputs,
		volumes:      o.Volumes,
		mounts:       o.Mounts,
		backups:      o.Backups,
		hooks:        o.Hooks,
		commands:     o.Commands,
		routing:      o.Routing,
		ports:        o.Ports,
		egress:       o.Egress,
		domains:      o.Domains,
		metrics:      o.Metrics,
		disks:        o.Disks,
		pushes:       o.Pushes,
		webhooks:     o.Webhooks,
		tagWatches:   o.TagWatches,
		registries:   o.Registries,
		moves:        o.Moves,
		labels:       o.Labels,
		sources:      o.Sources,
		duplicates:   o.Duplicates,
		renames:      o.Renames,
		logs:         o.Logs,
		events:       o.Events,
		alerts:       o.Alerts,
		heart:        o.Heart,
		appsApart:    o.AppsApart,
		builds:       o.Builds,
		broker:       o.Broker,
		checklist:    o.Checklist,
		prober:       o.Prober,
		accounts:     o.Accounts,
		factors:      o.Factors,
		tokens:       o.Tokens,
		keys:         o.Keys,
		ssh:          o.SSH,
		sessions:     newSessionStore(o.Sessions, o.ForceHTTPS, normalHost(o.AdminHost)),
		audit:        o.Audit,
		formKey:      deriveKey(o.SecretKey, "berth form tokens"),
		limits:       o.Limits,
		previews:     newPreviews(),
		turns:        newTurns(),
		repeats:      o.Repeats,
		templates:    pages,
		public: publicAddress{
			httpPort: o.PublicHTTPPort, httpsPort: o.PublicHTTPSPort, forceHTTPS: o.ForceHTTPS,
			adminHost: normalHost(o.AdminHost), appsHost: cmp.Or(o.AppsHost, likelyAppsHost(normalHost(o.AdminHost))),
		},
		secure:  o.ForceHTTPS,
		host:    normalHost(o.AdminHost),
		hosts:   adminHosts(append([]string{o.AdminHost}, o.AdminHosts...)),
		proxies: o.TrustedProxies,
		gateway: o.Gateway,
		version: o.Version,
		logger:  o.Logger,
		now:     time.Now,
	}
	a.document, a.guides = sync.OnceValues(a.encodeDocument), sync.OnceValues(help.Open)
	if o.SessionLife != (account.SessionLife{}) {
		a.sessions.life = o.SessionLife
	}
	return a.engine()
}

// engine hangs the routes of the table, and nothing else, into a bare Gin engine.
func (a *admin) engine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	if err := trustProxies(engine, a.proxies); err != nil {
		return nil, err
	}
	// A path either has an entry in the table or does not exist: no guesses.
	engine.RedirectTrailingSlash = false
	// An encoded slash is part of an id, and not the end of it.
	engine.UseRawPath, engine.UnescapePathValues = true, true
	engine.Use(
		a.identify, a.takePassword, a.record, a.recoverPanic, a.setHeaders, a.limitAddress,
		a.checkHost, a.requireHTTPS, a.checkPath, a.checkOrigin,
		sessions.Sessions(sessionName, a.sessions),
	)
	engine.NoRoute(a.showNothing)
	for _, r := range a.routes() {
		if r.edits.show != nil {
			a.editing = append(a.editing, r)
		}
		engine.Handle(r.method, r.path, a.requireAdminHost(r), a.serve(r))
	}
	return engine, nil
}

// deriveKey makes a key for one purpose, so that no two uses share one.
func deriveKey(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
