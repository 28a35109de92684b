package controller_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"berth/controller"
	"berth/controller/docker"
	"berth/controller/volume"
	"berth/traefik"
)

// engine is an engine in memory. Its hooks let a test stand in the way of a step.
type engine struct {
	mu        sync.Mutex
	instances map[string]docker.Instance
	images    map[string]bool
	networks  map[string]docker.Network
	started   []string // names, in order
	stopped   []string // as started
	mounted   map[string][]docker.Mount
	retired   []string
	ensured   []docker.StartOptions // that EnsureSecrets was asked for
	options   map[string]docker.StartOptions
	joined    map[string][]string // networks that instances were connected to, by name
	contents  map[string]string   // of images that are built, by service
	pulled    []string

	onBuild  func(ctx context.Context, o docker.BuildOptions) error
	onStart  func(o docker.StartOptions) error
	onPull   func(docker.PullOptions) (docker.Image, string, error)
	onList   func()                      // after the instances were listed, before the list is returned
	exited   map[string]docker.Condition // of instances, by name, when they are looked at
	onResume func(name string)
	onLook   func(name string, condition docker.Condition) docker.Condition
	printed  []docker.Line     // by every instance; nil is its last words
	user     string            // of the images that are built from here on
	users    map[string]string // of the images
	builds   []string          // lines that a build prints
}

func newEngine() *engine {
	return &engine{
		instances: make(map[string]docker.Instance), images: make(map[string]bool), networks: make(map[string]docker.Network),
		users: make(map[string]string), exited: make(map[string]docker.Condition), mounted: make(map[string][]docker.Mount),
		options: make(map[string]docker.StartOptions), joined: make(map[string][]string), contents: make(map[string]string),
	}
}

func (e *engine) Ping(context.Context) error { return nil }

func (e *engine) Build(ctx context.Context, o docker.BuildOptions, log func(string)) (docker.Image, error) {
	if err := o.Context(ctx, io.Discard); err != nil {
		return docker.Image{}, err
	}
	log("#1 building")
	for _, line := range e.builds {
		log(line)
	}
	if e.onBuild != nil {
		if err := e.onBuild(ctx, o); err != nil {
			return docker.Image{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := "image-" + e.InstanceName(o.App, o.Release, o.Service)
	e.images[id], e.users[id] = true, e.user
	e.contents[id] = e.contents[o.Service]
	return e.image(id), nil
}

func (e *engine) image(id string) docker.Image {
	return docker.Image{ID: id, User: e.users[id], Exposed: []uint16{8000}, Content: e.contents[id]}
}

func (e *engine) FindImage(_ context.Context, id string) (docker.Image, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.images[id] {
		return docker.Image{}, docker.ErrNotFound
	}
	return e.image(id), nil
}

func (e *engine) PullImage(_ context.Context, o docker.PullOptions, log func(string)) (docker.Image, string, error) {
	log("pulling " + o.Reference)
	image, digest := docker.Image{ID: o.Reference}, ""
	if e.onPull != nil {
		var err error
		if image, digest, err = e.onPull(o); err != nil {
			return docker.Image{}, "", err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pulled = append(e.pulled, o.Reference)
	e.images[image.ID] = true
	return e.image(image.ID), digest, nil
}

func (e *engine) FindPulled(ctx context.Context, reference string) (docker.Image, string, error) {
	image, err := e.FindImage(ctx, reference)
	return image, "", err
}

func (e *engine) RemoveImage(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, built := e.users[id]; !built {
		return docker.ErrNotFound // the engine keeps what it did not build for us
	}
	delete(e.images, id)
	return nil
}

func networkName(app string, release int64) string {
	if release == 0 {
		return app
	}
	return fmt.Sprintf("%s.r%d", app, release)
}

func (e *engine) EnsureNetwork(_ context.Context, app string, release int64) (docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	network := docker.Network{ID: networkName(app, release), Name: networkName(app, release), App: app, Release: release}
	e.networks[network.Name] = network
	return network, nil
}

func (e *engine) Networks(context.Context) ([]docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.networks)), nil
}

func (e *engine) RemoveNetwork(_ context.Context, app string, release int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.networks, networkName(app, release))
	return nil
}

func (e *engine) Connect(_ context.Context, instance string, network docker.Network, _ []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.instances[instance]; !there {
		return docker.ErrNotFound
	}
	e.joined[instance] = append(e.joined[instance], network.Name)
	return nil
}

func (e *engine) JoinProxy(context.Context) error { return nil }

func (e *engine) VolumeName(name volume.Name) string { return "berth-vol-" + string(name) }

func (e *engine) InstanceName(app string, release int64, service string) string {
	name := "berth-" + app + "-r" + string(rune('0'+release))
	if service == "" || service == "main" {
		return name
	}
	return name + "." + service
}

func (e *engine) Start(_ context.Context, o docker.StartOptions) (docker.Instance, error) {
	if e.onStart != nil {
		if err := e.onStart(o); err != nil {
			return docker.Instance{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	instance := docker.Instance{
		ID: o.Name, Name: o.Name, App: o.App, Release: o.Release, Image: o.Image.ID, Port: 8000,
		Condition: docker.Condition{Running: true, StartedAt: time.Now()},
	}
	e.instances[o.Name] = instance
	e.started = append(e.started, o.Name)
	e.mounted[o.Name] = o.Mounts
	e.options[o.Name] = o
	return instance, nil
}

func (e *engine) EnsureSecrets(_ context.Context, o docker.StartOptions) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ensured = append(e.ensured, o)
	return nil
}

func (e *engine) Inspect(_ context.Context, name string) (docker.Instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	instance, ok := e.instances[name]
	if !ok {
		return docker.Instance{}, docker.ErrNotFound
	}
	if condition, ok := e.exited[name]; ok {
		instance.Condition = condition
	}
	if e.onLook != nil {
		instance.Condition = e.onLook(name, instance.Condition)
	}
	return instance, nil
}

func (e *engine) Instances(context.Context) ([]docker.Instance, error) {
	e.mu.Lock()
	var all []docker.Instance
	for _, instance := range e.instances {
		all = append(all, instance)
	}
	onList := e.onList
	e.mu.Unlock()
	if onList != nil {
		onList()
	}
	return all, nil
}

func (e *engine) Resume(_ context.Context, name string) error {
	if e.onResume != nil {
		e.onResume(name)
	}
	return e.set(name, true)
}

// copied is an engine in the same state, without what the test has put in its way.
func (e *engine) copied() *engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	other := newEngine()
	other.instances, other.images, other.networks = maps.Clone(e.instances), maps.Clone(e.images), maps.Clone(e.networks)
	other.contents, other.onLook = maps.Clone(e.contents), e.onLook
	return other
}

func (e *engine) Stop(_ context.Context, name string, _ time.Duration) error {
	e.mu.Lock()
	e.stopped = append(e.stopped, name)
	e.mu.Unlock()
	return e.set(name, false)
}

func (e *engine) Restart(_ context.Context, name string, _ time.Duration) error {
	return e.set(name, true)
}

func (e *engine) set(name string, running bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	instance, ok := e.instances[name]
	if !ok {
		return docker.ErrNotFound
	}
	instance.Condition.Running = running
	e.instances[name] = instance
	return nil
}

func (e *engine) Retire(_ context.Context, name string, _ time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.instances, name)
	e.retired = append(e.retired, name)
	return nil
}

func (e *engine) RemoveApp(_ context.Context, app string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, instance := range e.instances {
		if instance.App == app {
			delete(e.instances, name)
			delete(e.images, instance.Image)
		}
	}
	maps.DeleteFunc(e.networks, func(_ string, network docker.Network) bool { return network.App == app })
	return nil
}

func (e *engine) Watch(ctx context.Context, _ func(docker.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (e *engine) Tail(_ context.Context, _ string, _ docker.TailOptions, each func(docker.Line) error) error {
	if e.printed == nil {
		return each(docker.Line{Text: "last words"})
	}
	for _, line := range e.printed {
		if err := each(line); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) Usage(context.Context, string) (docker.Usage, error) {
	return docker.Usage{MemoryBytes: 1 << 20, MemoryLimit: 512 << 20, At: time.Now()}, nil
}

func (e *engine) names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for name := range e.instances {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// auditNotes keeps what was recorded, a line an event.
type auditNotes struct {
	mu    sync.Mutex
	lines []string
}

func (a *auditNotes) Record(_ context.Context, e controller.AuditEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines = append(a.lines, fmt.Sprintf("%s %s %t by %s: %s", e.Action, e.Resource, e.Success, e.Account, e.Detail))
}

// taken gives what was recorded since the last call.
func (a *auditNotes) taken() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.lines
	a.lines = nil
	return taken
}

// proxy is publisher and proxy in one: it serves at once what was published.
type proxy struct {
	mu        sync.Mutex
	published *traefik.Configuration
	status    int // of every probe; 0 is 200
	refuse    error
	onProbe   func()
	onPromote func() // after the commit, before anything of the old release is touched
	silent    error  // of ConfirmRoutes
}

func (p *proxy) Publish(configuration *traefik.Configuration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = configuration
	return true, p.refuse
}

func (p *proxy) Confirm(_ context.Context, table traefik.Table) error {
	if p.onPromote != nil && !table.Targets[0].Proving {
		p.onPromote()
	}
	return nil
}

func (p *proxy) ConfirmRoutes(context.Context, traefik.Table) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

func (p *proxy) ConfirmAll(context.Context, traefik.Table) error { return nil }

func (p *proxy) Probe(context.Context, traefik.Target, string) (int, error) {
	if p.onProbe != nil {
		p.onProbe()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == 0 {
		return 200, nil
	}
	return p.status, nil
}

// servers are the addresses that the proxy sends requests to.
func (p *proxy) servers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	if p.published == nil || p.published.HTTP == nil {
		return nil
	}
	for _, service := range p.published.HTTP.Services {
		for _, server := range service.LoadBalancer.Servers {
			all = append(all, server.URL)
		}
	}
	slices.Sort(all)
	return all
}
