package difference

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/volume"
)

// factsOf returns the settings of a release: those that a person chose for the app, and how
// each service runs. The limits and the security exceptions are told of the services, if
// those are planned.
func factsOf(side Side, planned bool) facts {
	var made facts
	made.addApp(side.Release.Settings)
	if !planned {
		made.addLimits("", side.Release.Settings.PlanOptions().Service())
		made.addMounts(side.Release, "", side.Release.Mounts, nil)
		return made
	}
	hide := newCover(side.Variables)
	for _, run := range side.Release.Services {
		made.addService(run.Spec, run.Main, hide)
		made.addMounts(side.Release, run.Spec.Name, run.Mounts(side.Release), run.Spec.Mounts)
	}
	return made
}

// addApp adds the settings of an app but its limits and security exceptions.
func (f *facts) addApp(settings app.Settings) {
	form := settings.Form()
	f.add("", "port", form.Port)
	f.add("", "ready when", form.Readiness.By)
	f.add("", "readiness path", form.Readiness.Path)
	f.add("", "readiness status", form.Readiness.Status)
	f.add("", "start time", form.Readiness.StartTime)
	f.add("", "scheme", form.Readiness.Scheme)
	outgoing := settings.Egress.Run().Form()
	f.add("", "outgoing connections", outgoing.Mode)
	f.add("", "allowed hosts", strings.Join(strings.Fields(outgoing.Hosts), ", "))
	f.add("", "unknown paths get index.html", yes(form.Fallback))
	f.add("", "main service", form.Choices.Main)
	f.add("", "profiles", form.Choices.Profiles)
	f.add("", "compose files", form.Choices.Compose)
	f.add("", "volumes in place of host folders", yes(form.Choices.Volumes))
	f.add("", "mounted files of the archive", form.Choices.Bound)
	f.add("", "values of the archive's .env", yes(form.Choices.Dotenv))
	f.add("", "volumes that images declare", yes(form.Choices.ImageVolumes))
	f.add("", "databases", form.DatabaseServices)
}

func (f *facts) addLimits(service string, spec plan.Service) {
	f.add(service, "memory", printable.Size(spec.Limits.MemoryBytes))
	f.add(service, "CPU", fmt.Sprintf("%d%% of a core", spec.Limits.NanoCPUs/app.NanosPerPercent))
	f.add(service, "processes", strconv.FormatInt(spec.Limits.Processes, 10))
	waivers := spec.Waivers
	f.add(service, "writable root", yes(waivers.WritableRoot))
	f.add(service, "root user", yes(waivers.RootUser))
	f.add(service, "database exception", yes(waivers.Database))
	f.add(service, "root start", yes(waivers.RootStart))
	f.add(service, "capabilities", strings.Join(waivers.Capabilities, ", "))
}

// addService adds how a service runs, but its variables and volumes.
func (f *facts) addService(spec plan.Service, main bool, hide cover) {
	name := spec.Name
	f.add(name, "image", spec.Image)
	f.add(name, "always pulls its image", yes(spec.AlwaysPull))
	if !main { // the main service has the port of the app
		f.add(name, "port", number(int64(spec.Port)))
	}
	f.add(name, "internal", yes(spec.Internal))
	f.add(name, "copies", number(int64(spec.Count())))
	f.addLimits(name, spec)
	f.add(name, "reserved memory", size(spec.ReservedBytes))
	f.add(name, "shared memory", size(spec.ShmBytes))
	f.add(name, "command", hide.words(spec.Command))
	f.add(name, "entrypoint", hide.words(spec.Entrypoint))
	f.add(name, "working folder", spec.WorkingDir)
	f.add(name, "user", spec.User)
	f.add(name, "health check", health(spec.Health, hide))
	f.add(name, "stop signal", spec.Stop.Signal)
	f.add(name, "stop time", span(spec.Stop.Grace))
	f.add(name, "restarts", restarts(spec.Restart))
	f.add(name, "starts after", dependencies(spec.DependsOn))
	f.add(name, "host name", spec.Hostname)
	f.add(name, "names on the network", strings.Join(spec.Aliases, ", "))
	f.add(name, "extra hosts", strings.Join(spec.ExtraHosts, ", "))
	f.add(name, "without NET_BIND_SERVICE", yes(spec.DropBind))
	f.add(name, "is process 1 itself", yes(spec.WithoutInit))
	f.add(name, "Berth's server for static sites", yes(spec.Site))
	for _, key := range slices.Sorted(maps.Keys(spec.Sysctls)) {
		f.add(name, "kernel setting "+key, spec.Sysctls[key])
	}
	for _, limit := range spec.Ulimits {
		f.add(name, "ulimit "+limit.Name, fmt.Sprintf("%d, at most %d", limit.Soft, limit.Hard))
	}
	for _, key := range slices.Sorted(maps.Keys(spec.Labels)) {
		f.hide(name, "label "+key, spec.Labels[key])
	}
	for _, file := range spec.Files {
		f.hide(name, "file "+file.Path, fmt.Sprintf("%o %s:%s %t %q %s", file.Mode, file.UID, file.GID, file.Private, file.Link, file.Content))
	}
	for _, folder := range spec.Tmpfs {
		f.add(name, "folder in memory "+folder.Target, fmt.Sprintf("%s, mode %o", printable.Size(folder.Bytes), cmp.Or(folder.Mode, 0o1777)))
	}
	f.add(name, "folders that go with the container", strings.Join(spec.Scratch, ", "))
}

// addMounts adds the volumes of the app, and those of the compose file.
func (f *facts) addMounts(release app.Release, service string, own []app.Mount, composed []plan.Mount) {
	for _, mount := range own {
		f.add(service, "volume at "+string(mount.Target), mounted(mount.Volume, mount.ReadOnly, false))
	}
	for _, mount := range composed {
		f.add(service, "volume at "+mount.Target, mounted(release.OwnVolume(mount.Volume), mount.ReadOnly, mount.NoCopy))
	}
}

func mounted(name volume.Name, readOnly, noCopy bool) string {
	text := string(name)
	if readOnly {
		text += ", read-only"
	}
	if noCopy {
		text += ", without the image's files"
	}
	return text
}

func health(check *plan.Healthcheck, hide cover) string {
	if check == nil {
		return ""
	}
	parts := []string{hide.words(check.Test)}
	for _, part := range []struct {
		name string
		time time.Duration
	}{{"every", check.Interval}, {"at most", check.Timeout}, {"after", check.StartPeriod}, {"at first every", check.StartInterval}} {
		if part.time != 0 {
			parts = append(parts, part.name+" "+span(part.time))
		}
	}
	if check.Retries != 0 {
		parts = append(parts, fmt.Sprintf("%d tries", check.Retries))
	}
	return strings.Join(parts, ", ")
}

func restarts(restart plan.Restart) string {
	switch {
	case restart.Mode == plan.OnFailure && restart.Retries > 0:
		return fmt.Sprintf("after a failure, %d times", restart.Retries)
	case restart.Mode == plan.OnFailure:
		return "after a failure"
	case restart.Mode == plan.Never:
		return "never"
	default:
		return ""
	}
}

func dependencies(all []plan.Dependency) string {
	var parts []string
	for _, needed := range all {
		part := fmt.Sprintf("%s (%s", needed.Service, needed.Condition)
		if !needed.Required {
			part += ", if it can start"
		}
		if needed.Restart {
			part += ", again after it was replaced"
		}
		parts = append(parts, part+")")
	}
	return strings.Join(parts, ", ")
}

func yes(set bool) string {
	if set {
		return "yes"
	}
	return ""
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func size(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return printable.Size(bytes)
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return app.StartTimeText(d)
}
