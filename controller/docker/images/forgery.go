package images

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/controller/docker/link"
)

// ForgedLabelError says that an image carries a label that only Berth sets.
// The image has been removed.
type ForgedLabelError struct {
	Label string
}

// Error names the label.
func (e *ForgedLabelError) Error() string {
	return fmt.Sprintf("the image carries the label %q, which is reserved", e.Label)
}

// forgedLabel returns a label of the image that only Berth may set and that
// this stack's builds do not, or "". Labels decide about routes and ownership,
// and whoever writes a Dockerfile writes an image's labels.
func (i *Images) forgedLabel(labels map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		// The proxy's labels are matched without regard to case.
		lower := strings.ToLower(key)
		if !reserved(lower, "traefik") && !reserved(lower, "berth") {
			continue
		}
		if !i.setByBuild(key, labels) {
			return key
		}
	}
	return ""
}

func reserved(key, namespace string) bool {
	return key == namespace || strings.HasPrefix(key, namespace+".")
}

// setByBuild reports whether key is one that Build sets, on an image that this
// stack built. Build has seen to it that the value is its own (checkLabels), so the
// key is enough.
func (i *Images) setByBuild(key string, labels map[string]string) bool {
	if labels[link.LabelStack] != i.link.Stack || labels[link.LabelRole] != link.RoleBuild {
		return false
	}
	switch key {
	case link.LabelStack, link.LabelApp, link.LabelRelease, link.LabelRole, link.LabelService:
		return true
	default:
		return false
	}
}
