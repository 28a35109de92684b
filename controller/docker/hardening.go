package docker

import (
	"path"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/plan"
)

// What the policy leaves to the engine, and the engine leaves open.
const (
	// openFiles is what one process may hold open: enough for a server, far from
	// the millions over which some programs loop at their start, and not above
	// what an engine without CAP_SYS_RESOURCE may itself.
	openFiles = 16384
	// killFirst makes the kernel end an app before the engine, the proxy or Berth
	// when the whole machine runs out of memory.
	killFirst = 500
	// volumeBytes bounds each tmpfs in place of a volume; it counts as the
	// instance's memory too.
	volumeBytes = 100 << 20
	volumeMode  = 0o1777
)

// hostConfig is the hardening policy in the engine's words. What is not set
// here is the engine's default, and that is the strict one: its own seccomp and
// AppArmor profile, no host namespace, no device, no published port, no mount
// of the host.
func hostConfig(policy plan.Policy, volumes []string, network Network) *container.HostConfig {
	withInit := policy.Init
	processes := policy.Processes
	return &container.HostConfig{
		NetworkMode:    container.NetworkMode(network.Name),
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyMode(policy.RestartPolicy)},
		LogConfig:      container.LogConfig{Type: policy.LogDriver, Config: policy.LogOptions},
		CapDrop:        policy.DroppedCapabilities,
		CapAdd:         policy.AddedCapabilities,
		SecurityOpt:    policy.SecurityOptions,
		ReadonlyRootfs: policy.ReadOnlyRoot,
		Tmpfs:          policy.TemporaryFolders,
		Mounts:         volumeMounts(volumes, policy.TemporaryFolders),
		Init:           &withInit,
		IpcMode:        container.IPCModePrivate,
		CgroupnsMode:   container.CgroupnsModePrivate,
		OomScoreAdj:    killFirst,
		Resources: container.Resources{
			Memory:     policy.MemoryBytes,
			MemorySwap: policy.MemoryAndSwapBytes,
			NanoCPUs:   policy.NanoCPUs,
			PidsLimit:  &processes,
			Ulimits: []*container.Ulimit{
				{Name: "nofile", Soft: openFiles, Hard: openFiles},
				{Name: "core", Soft: 0, Hard: 0}, // a dump would fill the host's disk
			},
		},
	}
}

// volumeMounts puts an empty tmpfs wherever the image declares a volume. The
// engine would make an anonymous volume there: writable, on the host's disk,
// without a limit, and gone with the container all the same. What the image
// holds at that path is hidden by the tmpfs.
func volumeMounts(volumes []string, tmpfs map[string]string) []mount.Mount {
	var mounts []mount.Mount
	for _, volume := range volumes {
		target := path.Clean(volume)
		known := func(m mount.Mount) bool { return m.Target == target }
		if _, isTmpfs := tmpfs[target]; isTmpfs || slices.ContainsFunc(mounts, known) {
			continue
		}
		mounts = append(mounts, mount.Mount{
			Type:         mount.TypeTmpfs,
			Target:       target,
			TmpfsOptions: &mount.TmpfsOptions{SizeBytes: volumeBytes, Mode: volumeMode},
		})
	}
	return mounts
}
