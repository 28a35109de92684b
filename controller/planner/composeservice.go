package planner

import (
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"

	"berth/controller/address"
	"berth/controller/dockerfile"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/registry"
)

const (
	mostReplicas   = 10
	longestGrace   = 5 * time.Minute
	longestInspect = time.Hour // between two health checks
	mostHealthTry  = 100
)

// service plans one service of the file.
func (c *composer) service(from types.ServiceConfig) (plan.Service, error) {
	service := plan.Service{Name: from.Name, Waivers: c.options.WaiversOf(from.Name)}
	if _, named := c.options.ServiceWaivers[from.Name]; !named {
		service.Waivers.Database = service.Waivers.Database && c.options.IsDatabase(from.Name, from.Image)
	}
	c.placed, c.placedBytes = map[string]bool{}, 0
	for _, step := range []func(*plan.Service, types.ServiceConfig) error{
		c.name, c.source, c.command, c.identity, c.limits, c.capabilities, c.engine, c.ulimits,
		c.health, c.restart, c.dependencies, c.ports, c.hosts, c.environment,
		c.mounts, c.tmpfs, c.binds, c.configs, c.secrets, c.replicas,
	} {
		if err := c.record(step(&service, from)); err != nil {
			return plan.Service{}, err
		}
	}
	return service, nil
}

func (c *composer) name(to *plan.Service, from types.ServiceConfig) error {
	if !serviceName.MatchString(from.Name) {
		return c.refuse(fmt.Sprintf("%.80q cannot be the name of a service here.", from.Name), "Use up to 63 lower-case letters, digits, hyphens and underscores.", "services", from.Name)
	}
	names := []string{from.Name}
	take := func(name string, place ...string) {
		if refusal := c.checkAnsweredName(name, place...); refusal != nil {
			c.faults = append(c.faults, refusal)
			return
		}
		names = append(names, name)
	}
	take(from.Name, "services", from.Name)
	if from.ContainerName != "" && from.ContainerName != from.Name {
		c.containerName(take, from)
	}
	if from.Hostname != "" {
		take(from.Hostname, "services", from.Name, "hostname")
		to.Hostname = from.Hostname
	}
	for network, settings := range from.Networks {
		if settings == nil {
			continue
		}
		for _, alias := range settings.Aliases {
			take(alias, "services", from.Name, "networks", network, "aliases")
		}
	}
	slices.Sort(names)
	to.Aliases = slices.Compact(names)
	return nil
}

// containerName makes an alias of the name of a container. A name that could be one of
// the internet is left out: nobody chose it for the network.
func (c *composer) containerName(take func(string, ...string), from types.ServiceConfig) {
	name := from.ContainerName
	if c.checkNetworkName(name) == nil && c.checkAnsweredName(name) != nil {
		c.note("container_name of %s is left out: Berth names containers.", from.Name)
		return
	}
	take(name, "services", from.Name, "container_name")
	c.note("The container of %s has a name of Berth's; its other services reach it as %.80s too.", from.Name, name)
}

// source plans the origin of the image.
func (c *composer) source(to *plan.Service, from types.ServiceConfig) error {
	if from.Platform != "" && !dockerfile.OnThisMachine(from.Platform) {
		if !strings.HasPrefix(from.Platform, "linux/") {
			return c.refuse(fmt.Sprintf("%.40q is not this machine's platform, which is linux/%s.", from.Platform, runtime.GOARCH), "Remove platform.", "services", from.Name, "platform")
		}
		c.note("platform of %s has no effect: images are run for linux/%s, which is this machine.", from.Name, runtime.GOARCH)
	}
	if err := c.pullPolicy(to, from); err != nil {
		return err
	}
	if from.Build != nil {
		if from.Image != "" {
			c.note("The image of %s is built, so the name %.80q is not used.", from.Name, from.Image)
		}
		return c.build(to, from)
	}
	if plan.RefersToSecret(from.Image) {
		return nil // it is refused for that
	}
	named, err := reference.ParseNormalizedNamed(from.Image)
	if err != nil && c.lacksVariable("services", from.Name, "image") {
		return nil
	}
	if err != nil {
		return c.refuse(fmt.Sprintf("%.80q is not the name of an image.", from.Image), "Write it as name:tag, such as postgres:17.", "services", from.Name, "image")
	}
	if refusal := registry.Check(named, c.options.Registries); refusal != nil {
		return c.refuse(refusal.Reason, refusal.Hint, "services", from.Name, "image")
	}
	to.Image = from.Image
	return nil
}

func (c *composer) pullPolicy(to *plan.Service, from types.ServiceConfig) error {
	switch from.PullPolicy {
	case "", types.PullPolicyMissing, types.PullPolicyIfNotPresent, types.PullPolicyBuild:
		return nil
	case types.PullPolicyAlways:
		to.AlwaysPull = true
		return nil
	default:
		c.note("The pull policy %.40s of %s has no effect: an image is pulled where it is missing.", from.PullPolicy, from.Name)
		return nil
	}
}

// offerWaiver records a fault that a security exception for the service lifts.
func (c *composer) offerWaiver(waiver problem.Offer, to *plan.Service, reason, hint string, path ...string) {
	refusal := c.refuse(reason, hint, path...)
	refusal.Offer, refusal.Subject = waiver, to.Name
	refusal.Likely = waiver == problem.OfferRootStart && to.StartsAsRoot() != ""
	c.faults = append(c.faults, refusal)
}

func (c *composer) command(to *plan.Service, from types.ServiceConfig) error {
	to.Command, to.Entrypoint = from.Command, from.Entrypoint
	to.WorkingDir, to.Stop.Signal = from.WorkingDir, from.StopSignal
	if from.WorkingDir != "" && !strings.HasPrefix(from.WorkingDir, "/") {
		return c.refuse("The working directory is not an absolute path.", "Begin it with a slash.", "services", from.Name, "working_dir")
	}
	if from.StopGracePeriod == nil {
		return nil
	}
	to.Stop.Grace = time.Duration(*from.StopGracePeriod)
	if to.Stop.Grace < 0 {
		return c.refuse(fmt.Sprintf("The service %s may take less than no time to stop.", from.Name), "Write a stop_grace_period of 5m at most.", "services", from.Name, "stop_grace_period")
	}
	if to.Stop.Grace > longestGrace {
		c.note("The service %s gets 5 minutes to stop, not %s, which is more than apps can have.", from.Name, to.Stop.Grace)
		to.Stop.Grace = longestGrace
	}
	return nil
}

// identity sets the user, and the labels that describe the service for people.
func (c *composer) identity(to *plan.Service, from types.ServiceConfig) error {
	to.User = from.User
	if from.User != "" && plan.IsRoot(from.User) && !to.Waivers.RunsAsRoot() {
		to.User = ""
		c.offerWaiver(problem.OfferRootStart, to, fmt.Sprintf("The service %s wants to run as root.", from.Name),
			"Name another user, as numbers such as 1000:1000; what starts as root and drops root later, as databases do, needs the security exception \"root start\".", "services", from.Name, "user")
	}
	foreign := false
	for _, label := range slices.Sorted(maps.Keys(from.Labels)) {
		lower := strings.ToLower(label)
		if slices.Contains(mainLabels, lower) {
			continue
		}
		if ofOtherProxy(lower) {
			foreign = true
			continue
		}
		for _, namespace := range []string{"berth", "milkcrate", "com.docker"} {
			if lower == namespace || strings.HasPrefix(lower, namespace+".") {
				return c.refuse(fmt.Sprintf("The label %.80q is one that only the platform sets.", label), "Remove the label; the route is chosen in Berth.", "services", from.Name, "labels", label)
			}
		}
		if to.Labels == nil {
			to.Labels = map[string]string{}
		}
		to.Labels[label] = from.Labels[label]
	}
	if foreign {
		c.note("The labels of %s for another proxy are left out: routes are chosen in Berth.", from.Name)
	}
	return nil
}

// ofOtherProxy reports whether a label in lower case is for a proxy or a deployment tool
// that watches the engine. Such a label is never passed on.
func ofOtherProxy(label string) bool {
	for _, namespace := range []string{"traefik", "caddy", "swag", "coolify", "dokploy", "com.centurylinklabs.watchtower", "com.github.jrcs.letsencrypt_nginx_proxy_companion", "ofelia", "diun", "glance", "homepage", "kuma"} {
		if rest, found := strings.CutPrefix(label, namespace); found && (rest == "" || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "_")) {
			return true
		}
	}
	return false
}

// engine sets the requests of a service to the engine beside capabilities.
func (c *composer) engine(to *plan.Service, from types.ServiceConfig) error {
	for _, option := range from.SecurityOpt {
		switch strings.ReplaceAll(strings.ToLower(option), "=", ":") {
		case "no-new-privileges", "no-new-privileges:true":
		case "label:disable":
			c.note("The security option %s of %s is left out: no label of the host matters, as nothing of it is mounted.", option, from.Name)
		default:
			c.fault(fmt.Sprintf("The security option %.80q would loosen or replace the sandbox.", option), "Remove it; every service has no-new-privileges and the engine's own profiles.", "services", from.Name, "security_opt")
		}
	}
	if c.file.Has("services", from.Name, "read_only") && !from.ReadOnly && !to.Waivers.WritesRoot() {
		c.offerWaiver(problem.OfferWritableRoot, to, fmt.Sprintf("The service %s wants to write to its own files.", from.Name), "Remove read_only: false and use volumes and tmpfs; what cannot do so needs the security exception \"writable root\" on the app's page.", "services", from.Name, "read_only")
	}
	to.WithoutInit = from.Init != nil && !*from.Init
	for name, value := range from.Sysctls {
		if !slices.Contains(plan.Sysctls, name) {
			c.fault(fmt.Sprintf("The kernel setting %.80q is not on the short list.", name), "Use only "+printable.List(plan.Sysctls)+".", "services", from.Name, "sysctls", name)
			continue
		}
		for word := range strings.FieldsSeq(value) {
			if _, err := strconv.ParseUint(word, 10, 31); err != nil {
				return c.refuse(fmt.Sprintf("The kernel setting %s is no number.", name), "Write a number.", "services", from.Name, "sysctls", name)
			}
		}
	}
	to.Sysctls = from.Sysctls
	return nil
}

// capabilities reads the capabilities that a service asks for. All are dropped by default,
// and each added one needs a security exception.
func (c *composer) capabilities(to *plan.Service, from types.ServiceConfig) error {
	var added []string
	for _, capability := range from.CapAdd {
		plain := strings.TrimPrefix(strings.ToUpper(capability), "CAP_")
		if slices.Contains(comforts, plain) {
			c.note("The service %s runs without the capability %s, which apps do not get.", from.Name, plain)
			continue
		}
		if plain != plan.BindCapability && !slices.Contains(plan.Waivable, plain) {
			c.fault(fmt.Sprintf("The capability %.40q cannot be given to an app.", capability), "Remove it; on the short list are "+plan.BindCapability+", "+strings.Join(plan.Waivable, ", ")+".", "services", from.Name, "cap_add")
			continue
		}
		if !to.Waivers.Gives(plain) {
			c.offerWaiver(problem.OfferRootStart, to, fmt.Sprintf("The service %s wants the capability %s, which loosens the hardening.", from.Name, plain), "Remove it, or give the service the security exception \"root start\".", "services", from.Name, "cap_add")
			continue
		}
		added = append(added, plain)
	}
	for _, capability := range from.CapDrop {
		plain := strings.TrimPrefix(strings.ToUpper(capability), "CAP_")
		if (plain == "ALL" || plain == plan.BindCapability) && !slices.Contains(added, plan.BindCapability) {
			to.DropBind = true
		}
	}
	return nil
}

// comforts are capabilities that make a service faster or easier to write. Programs that
// ask for them run without.
var comforts = []string{"AUDIT_WRITE", "FSETID", "IPC_LOCK", "KILL", "SYS_NICE"}

func (c *composer) health(to *plan.Service, from types.ServiceConfig) error {
	check := from.HealthCheck
	if check == nil {
		return nil
	}
	if check.Disable {
		to.Health = &plan.Healthcheck{Test: []string{"NONE"}}
		return nil
	}
	to.Health = &plan.Healthcheck{
		Test: check.Test, Interval: orZero(check.Interval), Timeout: orZero(check.Timeout),
		StartPeriod: orZero(check.StartPeriod), StartInterval: orZero(check.StartInterval),
	}
	for key, value := range map[string]time.Duration{
		"interval": to.Health.Interval, "timeout": to.Health.Timeout,
		"start_period": to.Health.StartPeriod, "start_interval": to.Health.StartInterval,
	} {
		// The engine refuses values between zero, which is its default, and a
		// millisecond.
		if value < 0 || value > longestInspect || value != 0 && value < time.Millisecond {
			return c.refuse(fmt.Sprintf("The health check's %s is not between a millisecond and an hour.", key), "Write it such as 30s.", "services", from.Name, "healthcheck", key)
		}
	}
	for _, interval := range []struct {
		key string
		to  *time.Duration
	}{{"interval", &to.Health.Interval}, {"start_interval", &to.Health.StartInterval}} {
		if *interval.to != 0 && *interval.to < plan.LeastInterval {
			*interval.to = plan.LeastInterval
			c.note("The %s of %s's health check is %s here, which is the least.", interval.key, from.Name, plan.LeastInterval)
		}
	}
	if check.Retries != nil {
		if *check.Retries > mostHealthTry {
			c.note("The health check of %s is tried %d times, not %d, which is more than apps can have.", from.Name, mostHealthTry, *check.Retries)
		}
		to.Health.Retries = int(min(*check.Retries, mostHealthTry))
	}
	return nil
}

func orZero(duration *types.Duration) time.Duration {
	if duration == nil {
		return 0
	}
	return time.Duration(*duration)
}

// restart decides what happens when the service ends. If other services wait for it to
// complete, it runs once, unless the file says otherwise.
func (c *composer) restart(to *plan.Service, from types.ServiceConfig) error {
	mode, key := from.Restart, "restart"
	if from.Deploy != nil && from.Deploy.RestartPolicy != nil {
		mode, key = deployRestart(from.Deploy.RestartPolicy), "deploy"
	}
	mode, count, counted := strings.Cut(mode, ":")
	switch mode {
	case "":
		if c.once[from.Name] {
			to.Restart.Mode = plan.Never
		}
	case "no":
		if from.Name == c.main {
			c.note("The service %s is started again when it ends, as the route leads to it.", from.Name)
			return nil
		}
		to.Restart.Mode = plan.Never
	case "always", "unless-stopped":
	case "on-failure":
		to.Restart.Mode = plan.OnFailure
	default:
		return c.refuse(fmt.Sprintf("%.40q is not a way to restart.", mode), "Write no, on-failure or unless-stopped.", "services", from.Name, key)
	}
	if !counted {
		return nil
	}
	retries, err := strconv.ParseUint(count, 10, 16)
	if err != nil || to.Restart.Mode != plan.OnFailure {
		return c.refuse("The number of restarts cannot be read.", "Write it such as on-failure:3.", "services", from.Name, key)
	}
	to.Restart.Retries = int(retries)
	return nil
}

// deployRestart translates a cluster's policy into the words of restart.
func deployRestart(policy *types.RestartPolicy) string {
	switch policy.Condition {
	case "none":
		return "no"
	case "on-failure":
		if policy.MaxAttempts != nil {
			return fmt.Sprintf("on-failure:%d", *policy.MaxAttempts)
		}
		return "on-failure"
	case "", "any":
		return "unless-stopped"
	default:
		return policy.Condition
	}
}

func (c *composer) dependencies(to *plan.Service, from types.ServiceConfig) error {
	conditions := map[string]plan.Condition{
		"": plan.Started, types.ServiceConditionStarted: plan.Started,
		types.ServiceConditionHealthy:               plan.Healthy,
		types.ServiceConditionCompletedSuccessfully: plan.Completed,
	}
	for _, name := range slices.Sorted(maps.Keys(from.DependsOn)) {
		if _, enabled := c.file.Project.Services[name]; !enabled {
			continue // an optional service outside of the chosen profiles: the library refused all others
		}
		dependency := from.DependsOn[name]
		condition, known := conditions[dependency.Condition]
		if !known {
			return c.refuse(fmt.Sprintf("%.60q is not a condition to wait for.", dependency.Condition), "Write service_started, service_healthy or service_completed_successfully.", "services", from.Name, "depends_on", name)
		}
		to.DependsOn = append(to.DependsOn, plan.Dependency{Service: name, Condition: condition, Required: dependency.Required, Restart: dependency.Restart})
	}
	return nil
}

// ports keeps the port that a service listens on: the first that may speak HTTP. No port
// is published.
func (c *composer) ports(to *plan.Service, from types.ServiceConfig) error {
	var ports []uint16
	for i, port := range from.Ports {
		if port.Target == 0 || port.Target > 65535 {
			c.fault("A port is not between 1 and 65535.", "Correct it.", "services", from.Name, "ports", strconv.Itoa(i))
			continue
		}
		if port.Published != "" {
			c.notPublished(from.Name, port)
		}
		if isTCP(port.Protocol) {
			ports = append(ports, uint16(port.Target))
		}
	}
	for i, text := range from.Expose {
		first, _, _ := strings.Cut(strings.TrimSuffix(text, "/tcp"), "-")
		number, err := strconv.ParseUint(first, 10, 16)
		if err != nil && !strings.HasSuffix(text, "/udp") {
			c.fault(fmt.Sprintf("%.40q is not a port.", text), "Write a number.", "services", from.Name, "expose", strconv.Itoa(i))
		}
		if err == nil {
			ports = append(ports, uint16(number))
		}
	}
	to.Port = plan.FirstHTTPPort(ports)
	return nil
}

// setPorts marks the services without a route, and sets the port of the main one if a
// person chose it.
func (c *composer) setPorts(services []plan.Service) {
	for i := range services {
		service := &services[i]
		service.Internal = service.Name != c.main
		if !service.Internal && c.options.Port != 0 {
			service.Port = c.options.Port
		}
	}
}

// hosts are extra names that a service looks up, with public addresses only: any other
// address would name the host, or an address that only the host can reach.
func (c *composer) hosts(to *plan.Service, from types.ServiceConfig) error {
	for _, name := range slices.Sorted(maps.Keys(from.ExtraHosts)) {
		if refusal := c.checkNetworkName(name, "services", from.Name, "extra_hosts"); refusal != nil {
			c.faults = append(c.faults, refusal)
			continue
		}
		for _, text := range from.ExtraHosts[name] {
			if text == "host-gateway" {
				c.note("The extra host %s of %s is left out: the server itself is not reachable for apps.", name, from.Name)
				continue
			}
			ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
			if err != nil || !address.IsPublic(ip) {
				c.fault(fmt.Sprintf("The extra host %s leads to %.60q, which is no public address.", name, text), "Remove it; services reach one another by name, and the host is not reachable.", "services", from.Name, "extra_hosts")
				continue
			}
			to.ExtraHosts = append(to.ExtraHosts, name+":"+ip.String())
		}
	}
	return nil
}

func (c *composer) replicas(to *plan.Service, from types.ServiceConfig) error {
	to.Replicas = from.GetScale()
	switch {
	case to.Replicas < 1 || to.Replicas > mostReplicas:
		return c.refuse(fmt.Sprintf("The service %s wants %d copies of itself.", from.Name, to.Replicas), "Write a number from 1 to 10; a service that should not run goes into a profile.", "services", from.Name)
	case to.Replicas > 1 && to.Stateful():
		c.note("The service %s runs once, not %d times: it has a volume, so copies of it would write over one another.", from.Name, to.Replicas)
		to.Replicas = 1
	}
	return nil
}
