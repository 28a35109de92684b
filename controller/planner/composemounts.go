package planner

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/go-units"

	"berth/controller/plan"
)

const (
	defaultTmpfs = 100 << 20
	mostMounts   = 32
)

var volumeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// mounts reads volumes and tmpfs. binds reads paths.
func (c *composer) mounts(to *plan.Service, from types.ServiceConfig) error {
	if len(from.Volumes)+len(from.Tmpfs) > mostMounts {
		return c.refuse(fmt.Sprintf("The service %s has more than %d volumes.", from.Name, mostMounts), "Use fewer.", "services", from.Name, "volumes")
	}
	for i, volume := range from.Volumes {
		if err := c.record(c.mount(to, volume, "services", from.Name, "volumes", strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func (c *composer) mount(to *plan.Service, volume types.ServiceVolumeConfig, place ...string) error {
	switch {
	case volume.Type == types.VolumeTypeBind:
		return nil
	case volume.Type == types.VolumeTypeTmpfs:
		tmpfs := plan.Tmpfs{Bytes: defaultTmpfs}
		if volume.Tmpfs != nil {
			tmpfs.Bytes, tmpfs.Mode = int64(volume.Tmpfs.Size), fs.FileMode(volume.Tmpfs.Mode)
		}
		return c.addTmpfs(to, volume.Target, tmpfs, place...)
	case volume.Type == types.VolumeTypeVolume && volume.Source == "":
		volume.Source = c.volumeFor("/" + to.Name + "/" + volume.Target)
		c.note("The volume at %.80s of %s has no name in the file. It is called %s, and keeps its content.", volume.Target, to.Name, volume.Source)
		return c.addMount(to, volume, place...)
	case volume.Type != types.VolumeTypeVolume || !volumeName.MatchString(volume.Source):
		return c.refuse(fmt.Sprintf("The service %s mounts %.80q, which is no named volume.", to.Name, volume.Source),
			"A path of the host cannot be mounted. Use a named volume, and put files into the image with COPY, under configs, or into the volume in Berth.", place...)
	default:
		return c.addMount(to, volume, place...)
	}
}

func (c *composer) addMount(to *plan.Service, volume types.ServiceVolumeConfig, place ...string) error {
	target, err := c.mountTarget(to, volume.Target, place...)
	if err != nil {
		return err
	}
	if _, err := plan.ParseMountTarget(target); err != nil {
		refusal, _ := errors.AsType[*plan.Refusal](err) // it returns no other
		return c.refuse(refusal.Reason, refusal.Hint, place...)
	}
	mount := plan.Mount{Volume: volume.Source, Target: target, ReadOnly: volume.ReadOnly}
	if volume.Volume != nil {
		mount.NoCopy = volume.Volume.NoCopy
	}
	to.Mounts = append(to.Mounts, mount)
	return nil
}

// tmpfs reads the short form: a path, and options after a colon.
func (c *composer) tmpfs(to *plan.Service, from types.ServiceConfig) error {
	for _, text := range from.Tmpfs {
		place := []string{"services", from.Name, "tmpfs"}
		target, options, _ := strings.Cut(text, ":")
		tmpfs := plan.Tmpfs{Bytes: defaultTmpfs}
		for option := range strings.SplitSeq(options, ",") {
			name, value, _ := strings.Cut(option, "=")
			var err error
			switch name {
			case "", "rw", "noexec", "nosuid", "nodev":
			case "size":
				tmpfs.Bytes, err = units.RAMInBytes(value)
			case "mode":
				var mode uint64
				mode, err = strconv.ParseUint(value, 8, 12)
				tmpfs.Mode = fs.FileMode(mode)
			default:
				err = strconv.ErrSyntax
			}
			if err != nil {
				return c.refuse(fmt.Sprintf("The tmpfs option %.40q cannot be used.", option), "Use size and mode alone; a tmpfs is always noexec, nosuid and nodev.", place...)
			}
		}
		if err := c.addTmpfs(to, target, tmpfs, place...); err != nil {
			return err
		}
	}
	return nil
}

func (c *composer) addTmpfs(to *plan.Service, target string, tmpfs plan.Tmpfs, place ...string) error {
	if tmpfs.Bytes == 0 {
		tmpfs.Bytes = min(defaultTmpfs, to.Limits.MemoryBytes)
	}
	if tmpfs.Bytes < 0 || tmpfs.Bytes > to.Limits.MemoryBytes {
		return c.refuse(fmt.Sprintf("The tmpfs at %.80s is larger than the memory of %s.", target, to.Name), fmt.Sprintf("Write a size of %s at most.", amount("memory", to.Limits.MemoryBytes)), place...)
	}
	if tmpfs.Mode &^= fs.FileMode(0o6000); tmpfs.Mode&^0o1777 != 0 {
		return c.refuse("The mode of a tmpfs cannot be read.", "Write it such as 1777.", place...)
	}
	var err error
	if clean := path.Clean(target); clean == "/tmp" || strings.HasPrefix(clean, "/run/") || strings.HasPrefix(clean, "/var/run/") || clean == "/run" {
		tmpfs.Target = clean // a place that memory may use, but no volume
	} else if tmpfs.Target, err = c.mountTarget(to, target, place...); err != nil {
		return err
	}
	if plan.IsBelow(tmpfs.Target, plan.SecretsFolder) || plan.IsBelow(plan.SecretsFolder, tmpfs.Target) && tmpfs.Target != "/run" {
		return c.refuse(fmt.Sprintf("A tmpfs at %.80s would hide the app's secrets.", target), "Choose another path.", place...)
	}
	to.Tmpfs = append(to.Tmpfs, tmpfs)
	return nil
}

// The places that no volume may have: those of the engine, the kernel or the image's
// programs.
var (
	ownedTrees   = []string{"/proc", "/sys", "/dev", "/run", "/var/run", "/.berth"}
	ownedFolders = []string{"/", "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/var"}
)

// mountTarget returns the clean path of a mount at a free place.
func (c *composer) mountTarget(to *plan.Service, target string, place ...string) (string, error) {
	clean := path.Clean(target)
	owned := slices.ContainsFunc(ownedTrees, func(tree string) bool { return plan.IsBelow(clean, tree) })
	switch {
	case !strings.HasPrefix(target, "/") || len(target) > 1024 || strings.ContainsAny(target, "\x00\\:,"):
		return "", c.refuse(fmt.Sprintf("%.80q is not an absolute path in the container.", target), "Begin it with a slash.", place...)
	case owned || slices.Contains(ownedFolders, clean):
		return "", c.refuse(fmt.Sprintf("Nothing can be mounted at %.80s, which the system owns.", clean), "Choose a folder of the app's own, such as /data.", place...)
	case slices.ContainsFunc(to.Mounts, func(m plan.Mount) bool { return m.Target == clean }) || slices.ContainsFunc(to.Tmpfs, func(t plan.Tmpfs) bool { return t.Target == clean }):
		return "", c.refuse(fmt.Sprintf("Two volumes are mounted at %.80s.", clean), "Keep one of them.", place...)
	default:
		return clean, nil
	}
}
