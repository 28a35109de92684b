package controller_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"berth/controller"
	"berth/controller/docker"
	"berth/traefik"
)

// engine is an engine in memory. Its hooks let a test stand in the way of a step.
type engine struct {
	mu        sync.Mutex
	instances map[string]docker.Instance
	images    map[string]bool
	networks  map[string]bool
	started   []string // names, in order
	stopped   []string // as started
	mounted   map[string][]docker.Mount
	retired   []string
	ensured   []docker.StartOptions // that EnsureSecrets was asked for

	onBuild func(ctx context.Context, o docker.BuildOptions) error
	onStart func(o docker.StartOptions) error
	onList  func()                      // after the instances were listed, before the list is returned
	exited  map[string]docker.Condition // of instances, by name, when they are looked at
	printed []docker.Line               // by every instance; nil is its last words
	builds  []string                    // lines that a build prints
}

func newEngine() *engine {
	return &engine{
		instances: make(map[string]docker.Instance), images: make(map[string]bool), networks: make(map[string]bool),
		exited: make(map[string]docker.Condition), mounted: make(map[string][]docker.Mount),
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
	id := "image-" + e.InstanceName(o.App, o.Release, "main")
	e.images[id] = true
	return docker.Image{ID: id, Exposed: []uint16{8000}}, nil
}

func (e *engine) FindImage(_ context.Context, id string) (docker.Image, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.images[id] {
		return docker.Image{}, docker.ErrNotFound
	}
	return docker.Image{ID: id, Exposed: []uint16{8000}}, nil
}

func (e *engine) RemoveImage(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.images, id)
	return nil
}

func (e *engine) EnsureNetwork(_ context.Context, app string) (docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.networks[app] = true
	return docker.Network{ID: app, Name: app}, nil
}

func (e *engine) JoinProxy(context.Context) error { return nil }

func (e *engine) InstanceName(app string, release int64, _ string) string {
	return "berth-" + app + "-r" + string(rune('0'+release))
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

func (e *engine) Resume(_ context.Context, name string) error { return e.set(name, true) }

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
	delete(e.networks, app)
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
	silent    error // of ConfirmRoutes
}

func (p *proxy) Publish(configuration *traefik.Configuration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = configuration
	return true, p.refuse
}

func (p *proxy) Confirm(context.Context, traefik.Table) error { return nil }

func (p *proxy) ConfirmRoutes(context.Context, traefik.Table) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

func (p *proxy) ConfirmAll(context.Context, traefik.Table) error { return nil }

func (p *proxy) Probe(context.Context, traefik.Target, string) (int, error) {
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
