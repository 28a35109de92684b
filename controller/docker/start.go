package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/helper"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/controller/plan"
	"berth/controller/volume"
)

// startIntervalVersion is the API version from which a health check has an
// interval of its own while the container starts.
const startIntervalVersion = "1.44"

// StartOptions says which image to run, as which instance.
type StartOptions struct {
	App     string
	Release int64
	Service plan.Service
	Image   images.Image
	Network networks.Network
	// Labels go onto the container beside the ones that own it, and lose against them.
	Labels map[string]string
	// Record is what the label of that name says. It holds no secret.
	Record string
	// Name is the container's; empty is InstanceName's.
	Name string
	// Volumes are the engine's names of the volumes that the service mounts, by
	// the app's own names. They must be there.
	Volumes map[string]string
	// Mounts are the stack's volumes that the instance sees beside those.
	Mounts []Mount
	// Aliases are names on the network beside the service's own.
	Aliases []string
	// Beside are the names of the services on the network, which are asked without the proxy.
	Beside []string
	// Secrets are the values of what the service refers to (plan.Service.SecretsOf).
	Secrets map[string]string

	environment []string // with secrets
	secrets     secretFiles
	groups      []string // beside the user's own, as numbers
}

// Mount puts a volume of the stack into an instance.
type Mount struct {
	Volume   volume.Name
	Target   plan.MountTarget
	ReadOnly bool
}

// Start creates the instance under the hardening policy and starts it. A former
// container of the same name, app and release is removed first; one of somebody
// else is an error. It returns a *StartError where the engine cannot run the
// image, a *plan.Refusal where the policy forbids the service, and leaves
// nothing behind in either case.
//
// The service's files are there before its process: public ones in an image made
// of the given one, private ones on a tmpfs that outlives a restart.
func (e *Engine) Start(ctx context.Context, options StartOptions) (link.Instance, error) {
	if options.Name == "" {
		options.Name = e.InstanceName(options.App, options.Release, options.Service.Name)
	}
	policy, err := options.Service.Policy(options.Image.User)
	if err != nil {
		return link.Instance{}, err
	}
	if err := e.checkNames(options); err != nil {
		return link.Instance{}, err
	}
	if options.environment, err = options.reveal(); err != nil {
		return link.Instance{}, err
	}
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	if err := e.checkMounts(ctx, options.Mounts); err != nil {
		return link.Instance{}, err
	}
	instance, err := e.start(ctx, e.withMounts(options), policy)
	if err != nil {
		e.discardFiles(ctx, options)
	}
	return instance, err
}

func (e *Engine) start(ctx context.Context, options StartOptions, policy plan.Policy) (_ link.Instance, err error) {
	if options, policy, err = e.prepare(ctx, options, policy); err != nil {
		return link.Instance{}, err
	}
	owner, _ := volume.ParseOwner(policy.User) // prepare has made numbers of it
	if options, err = e.seed(ctx, options, owner); err != nil {
		return link.Instance{}, err
	}
	if options.secrets, err = e.keepSecrets(ctx, options, policy); err != nil {
		return link.Instance{}, err
	}
	id, err := e.create(ctx, options, policy)
	if err != nil {
		return link.Instance{}, err
	}
	if err := errors.Join(e.handDeclared(ctx, id, owner), e.holdSecrets(ctx, options.secrets)); err != nil {
		e.link.Discard(ctx, id)
		return link.Instance{}, err
	}
	if err := e.link.Start(ctx, id); err != nil {
		e.link.Discard(ctx, id)
		return link.Instance{}, startFailure(ctx, "start container", err)
	}
	if !options.Service.Waivers.RunsAsRoot() {
		if err := e.checkNotRoot(ctx, id); err != nil {
			e.link.Discard(ctx, id)
			return link.Instance{}, err
		}
	}
	return options.instance(id, e.containerLabels(options)), nil
}

// prepare puts the public files into the image, and turns the names of user and groups
// into numbers: of the image first, whose user owns the files, and then of the one with
// the files, which may be other accounts.
func (e *Engine) prepare(ctx context.Context, options StartOptions, policy plan.Policy) (StartOptions, plan.Policy, error) {
	who, err := e.identify(ctx, options, policy)
	if err != nil {
		return StartOptions{}, plan.Policy{}, err
	}
	owning := policy
	owning.User = who.user()
	image, err := e.addFiles(ctx, options, owning)
	if err != nil {
		return StartOptions{}, plan.Policy{}, err
	}
	if image.ID != options.Image.ID {
		options.Image = image
		if who, err = e.identify(ctx, options, policy); err != nil {
			return StartOptions{}, plan.Policy{}, err
		}
	}
	policy.User, options.groups = who.user(), who.groups
	policy.TemporaryFolders = ownedFolders(policy.TemporaryFolders, who.owner)
	return options, policy, nil
}

// ownedFolders gives the folders in memory that the service asks for to its user. The
// runtime gives each the mode of the folder that the image has there, whatever is asked
// for. The image's /tmp is everybody's.
func ownedFolders(folders map[string]string, owner volume.Owner) map[string]string {
	owned := make(map[string]string, len(folders))
	for target, options := range folders {
		if target != "/tmp" && owner.User != 0 {
			options += fmt.Sprintf(",uid=%d,gid=%d", owner.User, owner.Group)
		}
		owned[target] = options
	}
	return owned
}

// checkNames refuses names on the app's network under which the proxy, which is
// there too, could take the instance for one of another app.
func (e *Engine) checkNames(options StartOptions) error {
	for _, name := range append([]string{options.Service.Hostname}, options.Service.Aliases...) {
		lower := strings.ToLower(name)
		if lower == e.link.Stack || strings.HasPrefix(lower, e.link.Stack+"-") {
			return &plan.Refusal{
				Reason: fmt.Sprintf("The name %.80q is like those that Berth gives.", name),
				Hint:   "Choose another name for the service or its alias.",
			}
		}
	}
	return nil
}

// checkMounts refuses volumes that are not there: the engine would make them, as
// nobody's. A *StartError says which.
func (e *Engine) checkMounts(ctx context.Context, mounts []Mount) error {
	for _, mounted := range mounts {
		_, err := e.InspectVolume(ctx, mounted.Volume)
		if errors.Is(err, link.ErrNotFound) || errors.Is(err, helper.ErrForeignVolume) {
			return &StartError{Message: fmt.Sprintf("There is no volume called %s any more.", mounted.Volume), Err: err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withMounts lets the service mount the stack's volumes. What the image holds
// there is not copied: a volume is as its owner filled it.
func (e *Engine) withMounts(options StartOptions) StartOptions {
	if len(options.Mounts) == 0 {
		return options
	}
	volumes := make(map[string]string, len(options.Volumes)+len(options.Mounts))
	maps.Copy(volumes, options.Volumes)
	mounts := slices.Clone(options.Service.Mounts)
	for _, mounted := range options.Mounts {
		name := e.VolumeName(mounted.Volume)
		volumes[name] = name
		mounts = append(mounts, plan.Mount{Volume: name, Target: string(mounted.Target), ReadOnly: mounted.ReadOnly, NoCopy: true})
	}
	options.Volumes, options.Service.Mounts = volumes, mounts
	return options
}

// reveal returns the environment with the values of secrets in it.
func (o StartOptions) reveal() ([]string, error) {
	revealed := make([]string, 0, len(o.Service.Environment)+1)
	for _, variable := range o.Service.Environment {
		text, err := plan.Reveal(variable, o.Secrets)
		if err != nil {
			return nil, err
		}
		revealed = append(revealed, text)
	}
	return revealed, nil
}

// create makes the container, and removes a former one of its name first.
func (e *Engine) create(ctx context.Context, options StartOptions, policy plan.Policy) (id string, err error) {
	id, err = e.createOnce(ctx, options, policy)
	if !errdefs.IsConflict(err) {
		return id, startFailure(ctx, "create container", err)
	}
	if err := e.removeFormer(ctx, options); err != nil {
		return "", err
	}
	id, err = e.createOnce(ctx, options, policy)
	return id, startFailure(ctx, "create container", err)
}

func (e *Engine) createOnce(ctx context.Context, options StartOptions, policy plan.Policy) (id string, err error) {
	mounts, err := options.mounts(policy)
	if err != nil {
		return "", err
	}
	endpoint := &networktypes.EndpointSettings{Aliases: append(slices.Clone(options.Service.Aliases), options.Aliases...)}
	host := hostConfig(policy, mounts, options)
	host.CgroupParent, host.DNS = e.cgroup, namesFrom(options.Network)
	if !policy.ReadOnlyRoot {
		host.StorageOpt = e.storageOptions(ctx)
	}
	networking := &networktypes.NetworkingConfig{EndpointsConfig: map[string]*networktypes.EndpointSettings{options.Network.Name: endpoint}}
	created, err := e.link.API(ctx).ContainerCreate(ctx, e.containerConfig(options, policy), host, networking, nil, options.Name)
	if e.layers.refused(host.StorageOpt, err) {
		host.StorageOpt = nil
		created, err = e.link.API(ctx).ContainerCreate(ctx, e.containerConfig(options, policy), host, networking, nil, options.Name)
	}
	if err != nil {
		return "", err
	}
	for _, warning := range created.Warnings {
		e.link.Logger.Warn("engine cannot enforce all of the policy", slog.String("warning", warning))
	}
	return created.ID, nil
}

// removeFormer removes what an interrupted attempt left under the name.
func (e *Engine) removeFormer(ctx context.Context, options StartOptions) error {
	former, err := e.Inspect(ctx, options.Name)
	if errors.Is(err, link.ErrNotFound) {
		return fmt.Errorf("create container: the name %s belongs to a container that is not of this stack", options.Name)
	}
	if err != nil {
		return err
	}
	if former.App != options.App || former.Release != options.Release {
		return fmt.Errorf("create container: the name %s belongs to %s r%d", options.Name, former.App, former.Release)
	}
	return e.link.Remove(ctx, former.ID)
}

func (e *Engine) containerConfig(options StartOptions, policy plan.Policy) *container.Config {
	service := options.Service
	environment := append(slices.Clone(options.environment), e.proxyVariables(options)...)
	if !service.Internal && !options.Image.SetsPort && !images.HasVariable(environment, images.PortVariable) {
		environment = append(environment, images.PortVariable+"="+strconv.Itoa(int(options.port())))
	}
	config := &container.Config{
		Image:       options.Image.ID,
		User:        policy.User,
		Env:         environment,
		Labels:      e.containerLabels(options),
		Cmd:         service.Command,
		Entrypoint:  service.Entrypoint,
		WorkingDir:  service.WorkingDir,
		Hostname:    service.Hostname,
		Healthcheck: e.healthcheck(service.Health, options.Image),
		StopSignal:  service.Stop.Signal,
	}
	if service.Stop.Grace > 0 {
		config.StopTimeout = stopOptions(service.Stop.Grace).Timeout
	}
	return config
}

// healthcheck leaves out what the engine is too old for: how often a service is
// asked while it starts.
//
// What the service does not say, the engine takes from the image: it is said here
// where the image would be asked too often.
func (e *Engine) healthcheck(health *plan.Healthcheck, image images.Image) *container.HealthConfig {
	if health == nil {
		if !image.AsksTooOften() {
			return nil
		}
		health = &plan.Healthcheck{}
	}
	config := &container.HealthConfig{
		Test: health.Test, Interval: health.Interval, Timeout: health.Timeout,
		StartPeriod: health.StartPeriod, StartInterval: health.StartInterval, Retries: health.Retries,
	}
	if config.Interval == 0 && images.TooShort(image.HealthInterval) || images.TooShort(config.Interval) {
		config.Interval = plan.LeastInterval
	}
	if config.StartInterval == 0 && images.TooShort(image.HealthStartInterval) || images.TooShort(config.StartInterval) {
		config.StartInterval = plan.LeastInterval
	}
	if e.link.IsBefore(startIntervalVersion) {
		config.StartInterval = 0
	}
	return config
}

// containerLabels sets every label of ours, as a container inherits its image's.
func (e *Engine) containerLabels(options StartOptions) map[string]string {
	labels := make(map[string]string, len(options.Service.Labels)+len(options.Labels)+6)
	maps.Copy(labels, options.Service.Labels)
	maps.Copy(labels, options.Labels)
	maps.Copy(labels, e.link.OwnLabels(link.RoleApp, options.App, options.Release))
	labels[link.LabelService] = options.serviceName()
	labels[link.LabelPort] = strconv.Itoa(int(options.port()))
	labels[link.LabelRecord] = options.Record
	return labels
}

func (o StartOptions) port() uint16 { return plan.ChoosePort(o.Service.Port, o.Image.Exposed) }

func (o StartOptions) serviceName() string {
	if o.Service.Name == "" {
		return plan.MainService
	}
	return o.Service.Name
}

// instance is the container as it was the moment it started. Asking the engine
// would cost the release a round trip and tell nothing that lasts.
func (o StartOptions) instance(id string, labels map[string]string) link.Instance {
	return link.Instance{
		ID: id, Name: o.Name, App: o.App, Service: o.serviceName(), Release: o.Release,
		Port: o.port(), Image: o.Image.ID, Labels: labels,
		Condition: link.Condition{Running: true, StartedAt: time.Now()},
	}
}
