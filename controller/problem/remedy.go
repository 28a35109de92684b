package problem

import "berth/controller/plan"

// Remedy is what would mend a failed release, as far as the next try can have it at
// once. The zero value is nothing.
type Remedy struct {
	Port         uint16           `json:"port,omitempty"`   // that the app listens on
	Folder       plan.MountTarget `json:"folder,omitempty"` // that the app wants to write into: a volume belongs there
	WritableRoot bool             `json:"writable_root,omitempty"`
	Memory       bool             `json:"memory,omitempty"` // more of it
}
