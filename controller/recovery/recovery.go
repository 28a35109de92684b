package recovery

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/controller/volume"
	"berth/traefik"
)

// Author is who made the releases that were recovered, as people see it.
const Author = "berth recover"

// Found is one app with its live release, as far as its containers tell.
type Found struct {
	App     app.App
	Release app.Release
	Unknown []string // what they do not tell, as sentences
}

// Options say how traces become apps.
type Options struct {
	Key        secret.Key               // seals the variables, which may be secrets
	VolumeName func(volume.Name) string // the engine's name
	Now        time.Time
}

// From returns the apps of the traces, by name. Their routes are closed: who may use an app
// was only in the ledger. A trace that names no app is left out, with a sentence.
func (o Options) From(all []docker.Trace) (found []Found, left []string) {
	apps := make(map[app.Name][]docker.Trace)
	for _, trace := range all {
		name, err := app.ParseName(trace.App)
		if err != nil || trace.Release < 1 {
			left = append(left, fmt.Sprintf("The container %.100q names no app and no release.", trace.Name))
			continue
		}
		apps[name] = append(apps[name], trace)
	}
	taken := make(map[traefik.Route]app.Name)
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		live := liveOf(apps[name])
		if live == 0 {
			left = append(left, fmt.Sprintf("No container of %s is the one that its routes lead to.", name))
			continue
		}
		called := app.App{Name: name}
		told := nameOf(live, apps[name])
		if others := apps[told]; told != "" && (others == nil || nameOf(liveOf(others), others) != "") {
			called = app.App{Name: told, Handle: name}
		}
		made := o.build(called, live, apps[name])
		made.claim(taken)
		found = append(found, made)
	}
	return found, left
}

// isMain reports whether the routes lead to the container: only such a one has labels of
// the proxy.
func isMain(trace docker.Trace) bool {
	for label := range trace.Labels {
		if strings.HasPrefix(label, "traefik.") {
			return true
		}
	}
	return false
}

// liveOf is the release that is live. Of two that run, the earlier one has been live for
// certain. The number is 0 where there is none.
func liveOf(traces []docker.Trace) int64 {
	var running, stopped int64
	for _, trace := range traces {
		switch {
		case !isMain(trace):
		case trace.Condition.Running || trace.Condition.Restarting:
			if running == 0 || trace.Release < running {
				running = trace.Release
			}
		default:
			stopped = max(stopped, trace.Release)
		}
	}
	return cmp.Or(running, stopped)
}

// nameOf is the name that the record of a live release tells, where the label has another word;
// empty where it tells none.
func nameOf(live int64, traces []docker.Trace) app.Name {
	for _, trace := range traces {
		told, _ := read(trace.Record)
		if name, err := app.ParseName(string(told.App)); err == nil && trace.Release == live {
			return name
		}
	}
	return ""
}

// build makes the app of the traces, with its name and its handle, and with that live release.
func (o Options) build(called app.App, live int64, traces []docker.Trace) Found {
	made := Found{
		App: app.App{Name: called.Name, Handle: called.Handle, Wanted: app.WantedStopped, CreatedAt: o.Now, Access: traefik.Access{Password: true}},
		Release: app.Release{
			ReleaseID: app.ReleaseID{App: called.Name, Number: live}, Handle: called.Handle, State: app.ReleaseLive, Cause: app.CauseUpload,
			Settings: app.DefaultSettings(), CreatedBy: Author, CreatedAt: o.Now,
		},
	}
	several := false
	for _, run := range servicesOf(live, traces) {
		several = several || run[0].Service != plan.MainService
	}
	for _, run := range servicesOf(live, traces) {
		o.addService(&made, run, several)
	}
	made.App.Settings, made.App.Mounts = made.Release.Settings, made.Release.Mounts
	return made
}

// servicesOf are the containers of each service of the release: the main one last. One that
// only an earlier release has was kept by the live one.
func servicesOf(live int64, traces []docker.Trace) [][]docker.Trace {
	best := make(map[string]int64)
	for _, trace := range traces {
		if trace.Release <= live {
			best[trace.Service] = max(best[trace.Service], trace.Release)
		}
	}
	var services [][]docker.Trace
	for _, service := range slices.Sorted(maps.Keys(best)) {
		services = append(services, slices.DeleteFunc(slices.Clone(traces), func(trace docker.Trace) bool {
			return trace.Service != service || trace.Release != best[service]
		}))
	}
	slices.SortStableFunc(services, func(a, b []docker.Trace) int {
		if isMain(a[0]) == isMain(b[0]) {
			return 0
		}
		return map[bool]int{true: 1, false: -1}[isMain(a[0])]
	})
	return services
}

// addService adds one service with its containers.
func (o Options) addService(made *Found, traces []docker.Trace, several bool) {
	first := traces[0]
	told, known := read(first.Record)
	if !known {
		told = guess(first, several)
		made.doubt("The limits, the health check and the start command of %s are not known: its container carries no record.", first.Service)
	}
	run := app.ServiceRun{Spec: told.Service, Main: isMain(first), Sole: told.Sole, Image: first.Image}
	if first.Release != made.Release.Number {
		run.KeptFrom = first.Release
	}
	run.Spec.Environment, run.Spec.Files = nil, nil
	for _, trace := range traces {
		run.Instances = append(run.Instances, trace.Name)
	}
	if !known {
		o.guessMounts(made, &run, first)
	}
	if first.SecretFiles {
		made.doubt("The secrets that %s has as files are not known. It keeps them until its container ends; set them again before that.", first.Service)
	}
	o.addVariables(made, &run, first)
	made.Release.Instances = append(made.Release.Instances, run.Instances...)
	made.Release.Services = append(made.Release.Services, run)
	if run.Main {
		made.lead(told, run, first)
	}
}

// guess is the record of a container that carries none.
func guess(trace docker.Trace, several bool) record {
	spec := plan.Service{Port: trace.Port}
	if several {
		spec.Name = trace.Service
	}
	settings := app.DefaultSettings()
	if !several {
		settings.Port = trace.Port
	}
	return record{Service: spec, Sole: !several, Settings: settings, Address: net.JoinHostPort(trace.Name, strconv.Itoa(int(trace.Port)))}
}

// guessMounts finds the volumes of a container that carries no record.
func (o Options) guessMounts(made *Found, run *app.ServiceRun, trace docker.Trace) {
	prefix := o.VolumeName("")
	own := o.VolumeName(volume.OfApp(string(made.App.Key()), ""))
	for _, mounted := range trace.Mounts {
		target, err := plan.ParseMountTarget(mounted.Target)
		switch name, ofApp := strings.CutPrefix(mounted.Volume, own); {
		case err != nil:
			made.doubt("The volume %s at %.100q cannot be mounted again by itself.", mounted.Volume, mounted.Target)
		case ofApp:
			run.Spec.Mounts = append(run.Spec.Mounts, plan.Mount{Volume: name, Target: mounted.Target, ReadOnly: mounted.ReadOnly})
		case run.Main:
			made.Release.Mounts = append(made.Release.Mounts, app.Mount{
				Volume: volume.Name(strings.TrimPrefix(mounted.Volume, prefix)), Target: target, ReadOnly: mounted.ReadOnly,
			})
		}
	}
}

// lead takes over what the main service tells of the release.
func (f *Found) lead(told record, run app.ServiceRun, trace docker.Trace) {
	release := &f.Release
	release.Settings, release.Address, release.Addresses = told.Settings, told.Address, told.Addresses
	release.Image, release.Reference, release.Digest = run.Image, told.Reference, told.Digest
	if len(told.Mounts) > 0 {
		release.Mounts = told.Mounts
	}
	if trace.Condition.Running || trace.Condition.Restarting {
		f.App.Wanted = app.WantedRunning
	}
	told.claim(&f.App)
}

// claim keeps the routes that no app before has, and gives the app one if none is left.
func (f *Found) claim(taken map[traefik.Route]app.Name) {
	own := f.App.Routes
	f.App.Routes = nil
	for _, route := range own {
		if other, there := taken[route]; there {
			f.doubt("Its route %s is that of %s now.", route, other)
			delete(f.App.Destinations, route)
			continue
		}
		f.App.Routes = append(f.App.Routes, route)
	}
	if len(f.App.Routes) == 0 {
		route := traefik.Route{Path: traefik.Path("/" + string(f.App.Name))}
		f.doubt("Its routes are not known. It has %s until you add them.", route)
		f.App.Routes = []traefik.Route{route}
	}
	for _, route := range f.App.Routes {
		taken[route] = f.App.Name
	}
}

func (f *Found) doubt(sentence string, arguments ...any) {
	if text := fmt.Sprintf(sentence, arguments...); !slices.Contains(f.Unknown, text) {
		f.Unknown = append(f.Unknown, text)
	}
}
