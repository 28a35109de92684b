package docker

import (
	"fmt"
	"path"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// What the policy leaves to the engine, and the engine leaves open.
const (
	// openFiles is what one process may hold open: enough for a server, far from
	// the millions over which some programs loop at their start, and not above
	// what an engine without CAP_SYS_RESOURCE may itself.
	openFiles = 16384
	// volumeBytes bounds each tmpfs at a place that no volume may have; it counts as
	// the instance's memory too.
	volumeBytes = 100 << 20
	volumeMode  = 0o1777
)

// hostConfig is the hardening policy in the engine's words. What is not set
// here is the engine's default, and that is the strict one: its own seccomp and
// AppArmor profile, no host namespace, no device, no published port, no mount
// of the host.
func hostConfig(policy plan.Policy, mounts []mount.Mount, options StartOptions) *container.HostConfig {
	withInit := policy.Init
	processes := policy.Processes
	service := options.Service
	return &container.HostConfig{
		NetworkMode: container.NetworkMode(options.Network.Name),
		RestartPolicy: container.RestartPolicy{
			Name: container.RestartPolicyMode(policy.RestartPolicy), MaximumRetryCount: policy.RestartRetries,
		},
		LogConfig:      container.LogConfig{Type: policy.LogDriver, Config: policy.LogOptions},
		CapDrop:        policy.DroppedCapabilities,
		CapAdd:         policy.AddedCapabilities,
		GroupAdd:       options.groups,
		SecurityOpt:    policy.SecurityOptions,
		ReadonlyRootfs: policy.ReadOnlyRoot,
		Tmpfs:          policy.TemporaryFolders,
		Mounts:         mounts,
		Init:           &withInit,
		IpcMode:        container.IPCModePrivate,
		CgroupnsMode:   container.CgroupnsModePrivate,
		OomScoreAdj:    link.KillFirst,
		ShmSize:        service.ShmBytes,
		Sysctls:        service.Sysctls,
		ExtraHosts:     service.ExtraHosts,
		Resources: container.Resources{
			Memory:            policy.MemoryBytes,
			MemorySwap:        policy.MemoryAndSwapBytes,
			MemoryReservation: service.ReservedBytes,
			NanoCPUs:          policy.NanoCPUs,
			PidsLimit:         &processes,
			Ulimits:           ulimits(service.Ulimits),
		},
	}
}

// ulimits are the service's own, and the defaults that it does not replace.
func ulimits(own []plan.Ulimit) []*container.Ulimit {
	limits := []*container.Ulimit{
		{Name: "nofile", Soft: openFiles, Hard: openFiles},
		{Name: "core", Soft: 0, Hard: 0}, // a dump would fill the host's disk
	}
	for _, limit := range own {
		limits = slices.DeleteFunc(limits, func(l *container.Ulimit) bool { return l.Name == limit.Name })
		limits = append(limits, &container.Ulimit{Name: limit.Name, Soft: limit.Soft, Hard: limit.Hard})
	}
	return limits
}

// mounts are the service's named volumes, the folder of its secrets, and volumes without
// a name where its image declares others.
func (o StartOptions) mounts(policy plan.Policy) ([]mount.Mount, error) {
	var mounts []mount.Mount
	for _, wanted := range o.Service.Mounts {
		source, known := o.Volumes[wanted.Volume]
		if !known || source == "" {
			return nil, fmt.Errorf("create container: no volume is given for %s of %s", wanted.Volume, o.serviceName())
		}
		mounts = append(mounts, mount.Mount{
			Type: mount.TypeVolume, Source: source, Target: wanted.Target, ReadOnly: wanted.ReadOnly,
			VolumeOptions: &mount.VolumeOptions{NoCopy: wanted.NoCopy},
		})
	}
	if o.secrets.volume != "" {
		mounts = append(mounts, mount.Mount{
			Type: mount.TypeVolume, Source: o.secrets.volume, Target: plan.SecretsFolder, ReadOnly: true,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		})
	}
	return volumeMounts(mounts, o.Image.Volumes, policy.TemporaryFolders), nil
}

// volumeMounts adds a volume without a name wherever the image declares one and nothing is
// mounted. The engine fills it from the image, and removes it with the container. Where
// no volume may be, an empty tmpfs is: it hides what the image has there.
func volumeMounts(mounts []mount.Mount, volumes []string, tmpfs map[string]string) []mount.Mount {
	for _, volume := range volumes {
		target := path.Clean(volume)
		known := func(m mount.Mount) bool { return m.Target == target }
		if _, isTmpfs := tmpfs[target]; isTmpfs || slices.ContainsFunc(mounts, known) {
			continue
		}
		mounts = append(mounts, volumeMount(target))
	}
	return mounts
}

func volumeMount(target string) mount.Mount {
	if _, err := plan.ParseMountTarget(target); err == nil {
		return mount.Mount{Type: mount.TypeVolume, Target: target}
	}
	return mount.Mount{
		Type:         mount.TypeTmpfs,
		Target:       target,
		TmpfsOptions: &mount.TmpfsOptions{SizeBytes: volumeBytes, Mode: volumeMode},
	}
}
