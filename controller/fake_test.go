package controller_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/handle"
	"berth/controller/plan"
	"berth/controller/volume"
	"berth/traefik"
)

// engine is an engine in memory. Its hooks let a test stand in the way of a step.
type engine struct {
	handles *handle.Book // set before the controller is there

	mu        sync.Mutex
	instances map[string]docker.Instance
	images    map[string]bool
	networks  map[string]docker.Network
	users     map[string]string           // of the images
	extras    map[string]docker.Accessory // what was made beside instances and networks, by kind and ID

	started  guarded[[]string] // names, in order
	stopped  guarded[[]string] // as started
	retired  guarded[[]string]
	pulled   guarded[[]string]
	removed  guarded[[]string]              // apps
	ensured  guarded[[]docker.StartOptions] // that EnsureSecrets was asked for
	options  table[docker.StartOptions]     // of the instances, by name
	mounted  table[[]docker.Mount]          // into the instances, by name
	joinedAs table[[]string]                // the names that they last got there
	joined   table[[]string]                // networks that instances were connected to, by name

	watching  guarded[func(docker.Event)] // who follows the engine's events
	onBuild   guarded[func(ctx context.Context, o docker.BuildOptions) error]
	onStart   guarded[func(o docker.StartOptions) error]
	onPull    guarded[func(docker.PullOptions) (docker.Image, string, error)]
	onList    guarded[func()] // after the instances were listed, before the list is returned
	onResume  guarded[func(name string)]
	onRemove  guarded[func() error]                                 // before an app is removed
	onRetire  guarded[func(name string) error]                      // its error is what Retire gives
	door      guarded[func(call string)]                            // before and after each call that the real engine would make
	onInspect guarded[func(ctx context.Context, name string) error] // its error is what Inspect gives
	onLook    guarded[func(name string, condition docker.Condition) docker.Condition]
	exited    table[docker.Condition]          // of instances, by name, when they are looked at
	contents  table[string]                    // of the images that are built from here on, by service; of those that are, by their ID
	printed   guarded[[]docker.Line]           // by every instance; nil is its last words
	user      guarded[string]                  // of the images that are built from here on
	builds    guarded[[]string]                // lines that a build prints
	listens   guarded[[]string]                // addresses that every instance listens on
	bare      guarded[bool]                    // images expose no port
	declares  guarded[[]string]                // volumes of every image
	onLayer   guarded[func(name string) error] // its error is what LayerSize gives
	layers    table[int64]                     // bytes that instances have written into their own file systems, by name
}

// guarded is a value that a test sets or reads while the controller does.
type guarded[T any] struct {
	mu    sync.Mutex
	value T
}

func (g *guarded[T]) get() T {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.value
}

func (g *guarded[T]) set(value T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.value = value
}

// add appends to a guarded list.
func add[T any](list *guarded[[]T], entry T) {
	list.mu.Lock()
	defer list.mu.Unlock()
	list.value = append(list.value, entry)
}

// table is a map that a test fills or reads while the controller does.
type table[T any] struct{ entries sync.Map }

func (t *table[T]) put(key string, value T) { t.entries.Store(key, value) }

func (t *table[T]) at(key string) T {
	value, _ := t.find(key)
	return value
}

func (t *table[T]) find(key string) (T, bool) {
	value, ok := t.entries.Load(key)
	if !ok {
		var none T
		return none, false
	}
	return value.(T), true
}

func newEngine() *engine {
	return &engine{
		instances: make(map[string]docker.Instance), images: make(map[string]bool), networks: make(map[string]docker.Network),
		users: make(map[string]string), extras: make(map[string]docker.Accessory),
	}
}

// step is one call that the real engine would make, between two passes of the door.
func (e *engine) step(call string, work func()) {
	pass := e.door.get()
	if pass != nil {
		pass("before " + call)
	}
	e.mu.Lock()
	work()
	e.mu.Unlock()
	if pass != nil {
		pass("after " + call)
	}
}

func extraKey(kind docker.AccessoryKind, id string) string { return string(kind) + " " + id }

func (e *engine) putExtra(extra docker.Accessory) { e.extras[extraKey(extra.Kind, extra.ID)] = extra }

func (e *engine) Accessories(context.Context) ([]docker.Accessory, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	order := []docker.AccessoryKind{docker.KindKeeper, docker.KindHelper, docker.KindSecretsVolume, docker.KindFilesImage, docker.KindBuiltImage}
	all := slices.SortedFunc(maps.Values(e.extras), func(a, b docker.Accessory) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
	for i := range all {
		all[i].App = e.handles.Name(all[i].App)
	}
	return all, nil
}

func (e *engine) RemoveAccessory(_ context.Context, extra docker.Accessory) error {
	e.step("remove "+string(extra.Kind), func() { e.dropExtra(extra) })
	return nil
}

// dropExtra removes what nothing uses.
func (e *engine) dropExtra(extra docker.Accessory) {
	for _, instance := range e.instances {
		if instance.Image == extra.ID {
			return
		}
	}
	if extra.Kind == docker.KindSecretsVolume {
		if _, keeper := e.extras[extraKey(docker.KindKeeper, extra.ID)]; keeper {
			return
		}
		if _, there := e.instances[extra.Instance]; there {
			return
		}
	}
	delete(e.extras, extraKey(extra.Kind, extra.ID))
	delete(e.images, extra.ID)
}

func (e *engine) secretsOf(o docker.StartOptions, kind docker.AccessoryKind) docker.Accessory {
	return docker.Accessory{Kind: kind, ID: o.Name + ".secrets", App: e.handles.Of(o.App), Release: o.Release, Instance: o.Name}
}

func (e *engine) LayerSize(ctx context.Context, name string) (int64, error) {
	if onLayer := e.onLayer.get(); onLayer != nil {
		if err := onLayer(name); err != nil {
			return 0, err
		}
	}
	_, err := e.Inspect(ctx, name)
	return e.layers.at(name), err
}

func (e *engine) Ping(context.Context) error { return nil }

func (e *engine) Build(ctx context.Context, o docker.BuildOptions, log func(string)) (docker.Image, error) {
	if err := o.Context(ctx, io.Discard); err != nil {
		return docker.Image{}, err
	}
	log("#1 building")
	for _, line := range e.builds.get() {
		log(line)
	}
	if onBuild := e.onBuild.get(); onBuild != nil {
		if err := onBuild(ctx, o); err != nil {
			return docker.Image{}, err
		}
	}
	var built docker.Image
	e.step("build", func() {
		id := "image-" + e.InstanceName(o.App, o.Release, o.Service)
		if e.images[id] {
			id = fmt.Sprintf("%s-%d", id, len(e.images)) // every build has one of its own
		}
		e.images[id], e.users[id] = true, e.user.get()
		e.putExtra(docker.Accessory{Kind: docker.KindBuiltImage, ID: id, App: e.handles.Of(o.App), Release: o.Release})
		e.contents.put(id, e.contents.at(o.Service))
		built = e.image(id)
	})
	return built, nil
}

func (e *engine) image(id string) docker.Image {
	image := docker.Image{ID: id, User: e.users[id], Exposed: []uint16{8000}, Content: e.contents.at(id)}
	image.Volumes = e.declares.get()
	if e.bare.get() {
		image.Exposed = nil
	}
	return image
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
	if onPull := e.onPull.get(); onPull != nil {
		var err error
		if image, digest, err = onPull(o); err != nil {
			return docker.Image{}, "", err
		}
	}
	add(&e.pulled, o.Reference)
	e.step("pull", func() {
		e.images[image.ID] = true
		image = e.image(image.ID)
	})
	return image, digest, nil
}

func (e *engine) FindPulled(ctx context.Context, reference string) (docker.Image, string, error) {
	image, err := e.FindImage(ctx, reference)
	return image, "", err
}

func (e *engine) RemoveImage(_ context.Context, id string) error {
	built := true
	e.step("remove image", func() {
		if _, built = e.users[id]; built {
			delete(e.images, id)
			delete(e.extras, extraKey(docker.KindBuiltImage, id))
		}
	})
	if !built {
		return docker.ErrNotFound // the engine keeps what it did not build for us
	}
	return nil
}

func networkName(app string, release int64) string {
	if release == 0 {
		return app
	}
	return fmt.Sprintf("%s.r%d", app, release)
}

func (e *engine) EnsureNetwork(_ context.Context, app string, release int64) (docker.Network, error) {
	network := docker.Network{ID: networkName(e.handles.Of(app), release), Name: networkName(e.handles.Of(app), release), App: e.handles.Of(app), Release: release}
	e.step("create network", func() { e.networks[network.Name] = network })
	return network, nil
}

func (e *engine) Networks(context.Context) ([]docker.Network, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []docker.Network
	for _, network := range e.networks {
		network.App = e.handles.Name(network.App)
		all = append(all, network)
	}
	return all, nil
}

func (e *engine) RemoveNetwork(_ context.Context, app string, release int64) error {
	e.step("remove network", func() { delete(e.networks, networkName(e.handles.Of(app), release)) })
	return nil
}

func (e *engine) Connect(_ context.Context, instance string, network docker.Network, aliases []string) error {
	there := true
	e.step("connect", func() {
		if _, there = e.instances[instance]; there {
			e.joinedAs.put(instance, aliases)
			e.joined.put(instance, append(slices.Clone(e.joined.at(instance)), network.Name))
		}
	})
	if !there {
		return docker.ErrNotFound
	}
	return nil
}

func (e *engine) JoinProxy(context.Context) error { return nil }

func (e *engine) VolumeName(name volume.Name) string { return "berth-vol-" + string(name) }

func (e *engine) InstanceName(app string, release int64, service string) string {
	name := "berth-" + e.handles.Of(app) + "-r" + string(rune('0'+release))
	if service == "" || service == "main" {
		return name
	}
	return name + "." + service
}

func (e *engine) Start(_ context.Context, o docker.StartOptions) (docker.Instance, error) {
	if onStart := e.onStart.get(); onStart != nil {
		if err := onStart(o); err != nil {
			return docker.Instance{}, err
		}
	}
	image := e.addFiles(o)
	instance := docker.Instance{
		ID: fmt.Sprintf("%s#%d", o.Name, len(e.started.get())), Name: o.Name, App: e.handles.Of(o.App), Release: o.Release, Image: image, Port: 8000,
	}
	e.step("create container", func() { e.instances[o.Name] = instance })
	instance.Condition = docker.Condition{Running: true, StartedAt: time.Now()}
	e.step("start container", func() { e.instances[o.Name] = instance })
	e.mu.Lock()
	defer e.mu.Unlock()
	add(&e.started, o.Name)
	e.mounted.put(o.Name, o.Mounts)
	e.options.put(o.Name, o)
	return instance, nil
}

// addFiles makes what an instance has beside it, as the real engine does.
func (e *engine) addFiles(o docker.StartOptions) (image string) {
	image = o.Image.ID
	of := func(private bool) bool {
		return slices.ContainsFunc(o.Service.Files, func(f plan.File) bool { return f.Private == private })
	}
	if of(false) {
		image = "files of " + o.Name
		helper := docker.Accessory{Kind: docker.KindHelper, ID: "helper of " + o.Name, App: e.handles.Of(o.App), Release: o.Release}
		e.step("create helper", func() { e.putExtra(helper) })
		e.step("commit", func() {
			e.putExtra(docker.Accessory{Kind: docker.KindFilesImage, ID: image, App: e.handles.Of(o.App), Release: o.Release})
		})
		e.step("remove helper", func() { e.dropExtra(helper) })
	}
	if of(true) {
		e.step("create volume for secrets", func() { e.putExtra(e.secretsOf(o, docker.KindSecretsVolume)) })
		e.step("create keeper", func() { e.putExtra(e.secretsOf(o, docker.KindKeeper)) })
		e.step("start keeper", func() {})
	}
	return image
}

// removeFiles removes it again.
func (e *engine) removeFiles(name, image string) {
	o := docker.StartOptions{Name: name}
	for _, extra := range []docker.Accessory{
		e.secretsOf(o, docker.KindKeeper), e.secretsOf(o, docker.KindSecretsVolume), {Kind: docker.KindFilesImage, ID: image},
	} {
		e.step("remove "+string(extra.Kind), func() {
			if _, there := e.extras[extraKey(extra.Kind, extra.ID)]; there {
				e.dropExtra(extra)
			}
		})
	}
}

func (e *engine) EnsureSecrets(_ context.Context, o docker.StartOptions) error {
	add(&e.ensured, o)
	return nil
}

func (e *engine) Inspect(ctx context.Context, name string) (docker.Instance, error) {
	if onInspect := e.onInspect.get(); onInspect != nil {
		if err := onInspect(ctx, name); err != nil {
			return docker.Instance{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	instance, ok := e.instances[name]
	if !ok {
		return docker.Instance{}, docker.ErrNotFound
	}
	instance.App = e.handles.Name(instance.App)
	if condition, ok := e.exited.find(name); ok {
		instance.Condition = condition
	}
	if onLook := e.onLook.get(); onLook != nil {
		instance.Condition = onLook(name, instance.Condition)
	}
	return instance, nil
}

func (e *engine) Instances(context.Context) ([]docker.Instance, error) {
	e.mu.Lock()
	var all []docker.Instance
	for _, instance := range e.instances {
		instance.App = e.handles.Name(instance.App)
		all = append(all, instance)
	}
	e.mu.Unlock()
	if onList := e.onList.get(); onList != nil {
		onList()
	}
	return all, nil
}

func (e *engine) Resume(_ context.Context, name string) error {
	if onResume := e.onResume.get(); onResume != nil {
		onResume(name)
	}
	return e.set(name, true)
}

// copied is an engine in the same state, without what the test has put in its way.
func (e *engine) copied() *engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	other := newEngine()
	other.instances, other.images, other.networks = maps.Clone(e.instances), maps.Clone(e.images), maps.Clone(e.networks)
	other.users, other.extras = maps.Clone(e.users), maps.Clone(e.extras)
	for name := range other.instances { // they go on with what they were started with
		other.options.put(name, e.options.at(name))
		other.mounted.put(name, e.mounted.at(name))
	}
	e.contents.entries.Range(func(key, value any) bool { other.contents.entries.Store(key, value); return true })
	other.onLook.set(e.onLook.get())
	return other
}

func (e *engine) Stop(_ context.Context, name string, _ time.Duration) error {
	add(&e.stopped, name)
	return e.set(name, false)
}

func (e *engine) Restart(_ context.Context, name string, _ time.Duration) error {
	return e.set(name, true)
}

func (e *engine) set(name string, running bool) error {
	there := true
	e.step("start or stop", func() {
		var instance docker.Instance
		if instance, there = e.instances[name]; there {
			instance.Condition.Running = running
			e.instances[name] = instance
		}
	})
	if !there {
		return docker.ErrNotFound
	}
	return nil
}

func (e *engine) Retire(_ context.Context, name string, _ time.Duration) error {
	if onRetire := e.onRetire.get(); onRetire != nil {
		if err := onRetire(name); err != nil {
			return err
		}
	}
	var image string
	e.step("remove container", func() {
		for key, instance := range e.instances {
			if name == instance.ID {
				name = key
			}
		}
		image = e.instances[name].Image
		delete(e.instances, name)
	})
	e.removeFiles(name, image)
	add(&e.retired, name)
	return nil
}

func (e *engine) RemoveApp(_ context.Context, app string) error {
	if onRemove := e.onRemove.get(); onRemove != nil {
		if err := onRemove(); err != nil {
			return err
		}
	}
	add(&e.removed, app)
	app = e.handles.Of(app)
	e.step("remove containers of app", func() {
		maps.DeleteFunc(e.instances, func(_ string, instance docker.Instance) bool { return instance.App == app })
	})
	for _, kind := range []docker.AccessoryKind{docker.KindKeeper, docker.KindSecretsVolume, docker.KindHelper, docker.KindFilesImage, docker.KindBuiltImage} {
		e.step("remove "+string(kind)+" of app", func() {
			maps.DeleteFunc(e.extras, func(_ string, extra docker.Accessory) bool {
				gone := extra.App == app && extra.Kind == kind
				if gone {
					delete(e.images, extra.ID)
				}
				return gone
			})
		})
	}
	e.step("remove networks of app", func() {
		maps.DeleteFunc(e.networks, func(_ string, network docker.Network) bool { return network.App == app })
	})
	return nil
}

func (e *engine) Watch(ctx context.Context, each func(docker.Event)) error {
	e.watching.set(each)
	<-ctx.Done()
	return ctx.Err()
}

func (e *engine) Tail(_ context.Context, _ string, _ docker.TailOptions, each func(docker.Line) error) error {
	printed := e.printed.get()
	if printed == nil {
		return each(docker.Line{Text: "last words"})
	}
	for _, line := range printed {
		if err := each(line); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) Usage(context.Context, string, docker.Usage) (docker.Usage, error) {
	return docker.Usage{MemoryBytes: 1 << 20, MemoryLimit: 512 << 20, At: time.Now()}, nil
}

func (e *engine) Listening(ctx context.Context, _ string, each func([]netip.AddrPort)) error {
	var open []netip.AddrPort
	for _, address := range e.listens.get() {
		open = append(open, netip.MustParseAddrPort(address))
	}
	each(open)
	<-ctx.Done()
	return ctx.Err()
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

func (a *auditNotes) Record(_ context.Context, e audit.Event) {
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

	status    guarded[int] // of every probe; 0 is 200
	onProbe   guarded[func()]
	onTarget  guarded[func(address string) int] // the status of a probe of an address
	onPromote guarded[func()]                   // after the commit, before anything of the old release is touched
	silent    guarded[error]                    // of ConfirmRoutes
	onVisit   guarded[func(host, uri string) traefik.Page]
}

func (p *proxy) Publish(configuration *traefik.Configuration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = configuration
	return true, nil
}

func (p *proxy) Confirm(_ context.Context, table traefik.Table) error {
	if onPromote := p.onPromote.get(); onPromote != nil && !table.Targets[0].Proving {
		onPromote()
	}
	return nil
}

func (p *proxy) ConfirmRoutes(context.Context, traefik.Table) error {
	return p.silent.get()
}

func (p *proxy) ConfirmAll(context.Context, traefik.Table) error { return nil }

func (p *proxy) Probe(_ context.Context, target traefik.Target, _ string) (int, error) {
	if onTarget := p.onTarget.get(); onTarget != nil {
		return onTarget(target.Address), nil
	}
	if onProbe := p.onProbe.get(); onProbe != nil {
		onProbe()
	}
	if status := p.status.get(); status != 0 {
		return status, nil
	}
	return 200, nil
}

func (p *proxy) Visit(_ context.Context, host traefik.Host, address *url.URL) (traefik.Page, error) {
	if onVisit := p.onVisit.get(); onVisit != nil {
		return onVisit(string(host), address.RequestURI()), nil
	}
	return traefik.Page{Status: 200}, nil
}

// servers are the addresses of apps that the proxy sends requests to.
func (p *proxy) servers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	if p.published == nil || p.published.HTTP == nil {
		return nil
	}
	for _, service := range p.published.HTTP.Services {
		for _, server := range service.LoadBalancer.Servers {
			if server.URL != "http://pages:8002" {
				all = append(all, server.URL)
			}
		}
	}
	slices.Sort(all)
	return all
}
