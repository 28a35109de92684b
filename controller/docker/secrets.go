package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// Secrets as files lie on a tmpfs. The engine can put files into a volume before
// a container starts, but not into a container's own tmpfs; and a volume that is a
// tmpfs is empty again as soon as nobody has it mounted, so also when the app
// restarts. Therefore a keeper has it mounted for as long as the instance is
// there: a container of one program that does nothing (pause.go).
const (
	secretsSuffix = ".secrets"
	keeperMemory  = 6 << 20 // the least that engines take
	startTries    = 3       // of a keeper that loses what it was given
)

// secretFiles are an instance's private files, and the keeper and volume that have them.
// The zero value is that of an instance without.
type secretFiles struct {
	volume string // and the keeper's name
	files  []plan.File
	text   []byte // as a tar
}

func (e *Engine) secretFiles(options StartOptions, user string) (secretFiles, error) {
	files := selectFiles(options.Service.Files, true)
	if len(files) == 0 {
		return secretFiles{}, nil
	}
	secrets := options.Secrets
	if secrets == nil {
		secrets = map[string]string{}
	}
	text, err := tarOfFiles(files, nil, user, secrets)
	return secretFiles{volume: options.Name + secretsSuffix, files: files, text: text}, err
}

// keepSecrets makes the keeper of the instance's private files and gives them to it.
func (e *Engine) keepSecrets(ctx context.Context, options StartOptions, policy plan.Policy) (secretFiles, error) {
	secrets, err := e.secretFiles(options, policy.User)
	if err != nil || secrets.volume == "" {
		return secretFiles{}, err
	}
	err = e.removeSecretsOf(ctx, options.Name)
	if errdefs.IsConflict(err) {
		// What an interrupted attempt left has the volume mounted.
		if err = e.removeFormer(ctx, options); err == nil {
			err = e.removeSecretsOf(ctx, options.Name)
		}
	}
	if err != nil {
		return secretFiles{}, err
	}
	if err := e.createKeeper(ctx, options, secrets.volume); err != nil {
		return secretFiles{}, err
	}
	return secrets, e.fillSecrets(ctx, secrets)
}

// EnsureSecrets puts the instance's private files back where they are gone: after
// a restart of the machine or of the engine. It is for whoever starts instances,
// with the options that Start had; without private files it does nothing.
func (e *Engine) EnsureSecrets(ctx context.Context, options StartOptions) error {
	if options.Name == "" {
		options.Name = e.InstanceName(options.App, options.Release, options.Service.Name)
	}
	files := selectFiles(options.Service.Files, true)
	if len(files) == 0 {
		return nil
	}
	policy, err := options.Service.Policy(options.Image.User)
	if err != nil {
		return err
	}
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	if e.hasSecrets(ctx, secretFiles{volume: options.Name + secretsSuffix, files: files}) {
		return nil
	}
	who, err := e.identify(ctx, e.withMounts(options), policy)
	if err != nil {
		return err
	}
	secrets, err := e.secretFiles(options, who.user())
	if err != nil {
		return err
	}
	return e.holdSecrets(ctx, secrets)
}

// holdSecrets makes the keeper hold the files where it has lost them: its tmpfs is empty
// again if its process ended, such as on a machine without memory to spare, and the
// engine has started another.
func (e *Engine) holdSecrets(ctx context.Context, secrets secretFiles) error {
	for tries := 0; secrets.volume != "" && !e.hasSecrets(ctx, secrets); tries++ {
		if tries == startTries {
			return fmt.Errorf("keeper of secrets %s ended each time it was given them", secrets.volume)
		}
		// Started again, the keeper holds the tmpfs that the instance will mount next.
		if err := e.link.API(ctx).ContainerRestart(ctx, secrets.volume, stopOptions(0)); err != nil {
			return link.Failure(ctx, "restart keeper of secrets", err)
		}
		if err := e.fillSecrets(ctx, secrets); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) hasSecrets(ctx context.Context, secrets secretFiles) bool {
	found, err := e.link.API(ctx).ContainerInspect(ctx, secrets.volume)
	if err != nil || found.State == nil || !found.State.Running {
		return false
	}
	for _, file := range secrets.files {
		if _, err := e.link.API(ctx).ContainerStatPath(ctx, secrets.volume, file.Path); err != nil {
			return false
		}
	}
	return true
}

func (e *Engine) fillSecrets(ctx context.Context, secrets secretFiles) error {
	err := e.link.API(ctx).CopyToContainer(ctx, secrets.volume, plan.SecretsFolder, bytes.NewReader(secrets.text), container.CopyToContainerOptions{})
	return link.Failure(ctx, "put secrets into memory", err)
}

func (e *Engine) createKeeper(ctx context.Context, options StartOptions, name string) error {
	image, err := e.pauseImage(ctx)
	if err != nil {
		return err
	}
	labels := e.link.OwnLabels(link.RoleSecrets, options.App, options.Release)
	labels[link.LabelService] = options.serviceName()
	if _, err := e.link.API(ctx).VolumeCreate(ctx, volumetypes.CreateOptions{
		Name: name, Driver: "local", Labels: labels,
		DriverOpts: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": link.SecretsMount},
	}); err != nil {
		return link.Failure(ctx, "create volume for secrets", err)
	}
	processes := int64(1)
	created, err := e.link.API(ctx).ContainerCreate(ctx,
		&container.Config{Image: image, User: plan.Nobody, Labels: labels},
		&container.HostConfig{
			NetworkMode: "none", ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
			Binds:         []string{name + ":" + plan.SecretsFolder + ":nocopy"},
			LogConfig:     container.LogConfig{Type: "none"},
			IpcMode:       container.IPCModePrivate, CgroupnsMode: container.CgroupnsModePrivate,
			Resources: container.Resources{Memory: keeperMemory, MemorySwap: keeperMemory, PidsLimit: &processes},
		}, nil, nil, name)
	if err != nil {
		return link.Failure(ctx, "create keeper of secrets", err)
	}
	return link.Failure(ctx, "start keeper of secrets", e.link.Start(ctx, created.ID))
}

// removeSecretsOf removes keeper and volume of one instance. What is gone already is fine.
func (e *Engine) removeSecretsOf(ctx context.Context, instance string) error {
	name := instance + secretsSuffix
	found, err := e.link.API(ctx).ContainerInspect(ctx, name)
	switch {
	case errdefs.IsNotFound(err):
	case err != nil:
		return link.Failure(ctx, "inspect keeper of secrets", err)
	case found.Config == nil || found.Config.Labels[link.LabelStack] != e.link.Stack || found.Config.Labels[link.LabelRole] != link.RoleSecrets:
		return fmt.Errorf("the name %s belongs to a container that is not of this stack", name)
	default:
		if err := e.link.Remove(ctx, found.ID); err != nil {
			return err
		}
	}
	return e.removeSecretsVolume(ctx, name)
}

func (e *Engine) removeSecretsVolume(ctx context.Context, name string) error {
	found, err := e.link.API(ctx).VolumeInspect(ctx, name)
	if err != nil {
		return link.NotFoundIsFine(link.Failure(ctx, "inspect volume for secrets", err))
	}
	if found.Labels[link.LabelStack] != e.link.Stack || found.Labels[link.LabelRole] != link.RoleSecrets {
		return fmt.Errorf("the name %s belongs to a volume that is not of this stack", name)
	}
	return link.NotFoundIsFine(link.Failure(ctx, "remove volume for secrets", e.link.API(ctx).VolumeRemove(ctx, name, false)))
}

// removeSecrets removes the keepers with the given labels, and their volumes.
func (e *Engine) removeSecrets(ctx context.Context, labels ...string) error {
	selection := e.link.Owned(append(labels, link.LabelRole+"="+link.RoleSecrets)...)
	keepers, err := e.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: selection})
	if err != nil {
		return link.Failure(ctx, "list keepers of secrets", err)
	}
	var failures []error
	for _, keeper := range keepers {
		failures = append(failures, e.link.Remove(ctx, keeper.ID))
	}
	volumes, err := e.link.API(ctx).VolumeList(ctx, volumetypes.ListOptions{Filters: selection})
	if err != nil {
		return errors.Join(append(failures, link.Failure(ctx, "list volumes for secrets", err))...)
	}
	for _, volume := range volumes.Volumes {
		failures = append(failures, e.removeSecretsVolume(ctx, volume.Name))
	}
	return errors.Join(failures...)
}

// pauseImage returns the image of the keepers, which the engine gets from here.
func (e *Engine) pauseImage(ctx context.Context) (id string, err error) {
	reference := e.link.Stack + "/pause:1"
	found, err := e.link.API(ctx).ImageInspect(ctx, reference)
	if err == nil {
		if found.Config == nil || found.Config.Labels[link.LabelStack] != e.link.Stack || found.Config.Labels[link.LabelRole] != link.RoleSecrets {
			return "", fmt.Errorf("the image name %s belongs to something that is not of this stack", reference)
		}
		return found.ID, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", link.Failure(ctx, "inspect image of keepers", err)
	}
	text, err := pauseTar()
	if err != nil {
		return "", err
	}
	response, err := e.link.API(ctx).ImageImport(ctx, imagetypes.ImportSource{Source: bytes.NewReader(text), SourceName: "-"}, reference, imagetypes.ImportOptions{
		Changes: []string{
			fmt.Sprintf("LABEL %s=%q %s=%q", link.LabelStack, e.link.Stack, link.LabelRole, link.RoleSecrets),
			fmt.Sprintf("ENTRYPOINT [%q]", "/"+pauseProgram),
		},
	})
	if err != nil {
		return "", link.Failure(ctx, "import image of keepers", err)
	}
	if err := errors.Join(link.ImportResult(response), response.Close()); err != nil {
		return "", link.Failure(ctx, "import image of keepers", err)
	}
	found, err = e.link.API(ctx).ImageInspect(ctx, reference)
	return found.ID, link.Failure(ctx, "inspect image of keepers", err)
}
