package compose

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// driveLike is a short form such as v:/data. The library mistakes its volume for the
// drive of a Windows path.
var driveLike = regexp.MustCompile(`^([A-Za-z]):(/.*)$`)

// mendShortVolumes repairs volumes with a name of one letter.
func mendShortVolumes(project *types.Project) error {
	for name, service := range project.Services {
		for i := range service.Volumes {
			volume := &service.Volumes[i]
			if !mendShortVolume(volume) {
				continue
			}
			if _, found := project.Volumes[volume.Source]; !found {
				return fmt.Errorf("service %q refers to undefined volume %s", name, volume.Source)
			}
		}
	}
	return nil
}

// mendShortVolume reports whether the library read v:/data as a path without a volume, or
// v:/data:ro as a path mounted at "ro".
func mendShortVolume(volume *types.ServiceVolumeConfig) bool {
	switch match := driveLike.FindStringSubmatch(volume.Target); {
	case volume.Source == "" && match != nil:
		volume.Source, volume.Target = match[1], match[2]
	case !strings.Contains(volume.Target, "/"):
		if match = driveLike.FindStringSubmatch(volume.Source); match == nil || !takeOptions(volume, volume.Target) {
			return false
		}
		volume.Source, volume.Target, volume.Bind = match[1], match[2], nil
	default:
		return false
	}
	volume.Type = types.VolumeTypeVolume
	if volume.Volume == nil {
		volume.Volume = &types.ServiceVolumeVolume{}
	}
	return true
}

// takeOptions reads the options of the short form; false if the text has none.
func takeOptions(volume *types.ServiceVolumeConfig, text string) bool {
	readOnly, noCopy := false, false
	for option := range strings.SplitSeq(text, ",") {
		switch option {
		case "ro":
			readOnly = true
		case "nocopy":
			noCopy = true
		case "rw", "z", "Z":
		default:
			return false
		}
	}
	volume.ReadOnly = readOnly
	volume.Volume = &types.ServiceVolumeVolume{NoCopy: noCopy}
	return true
}
