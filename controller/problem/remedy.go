package problem

// Remedy is what would mend a release. All but Missing is for one that failed, as far as
// the next try can have it at once. The zero value is nothing.
type Remedy struct {
	Port         uint16 `json:"port,omitempty"`   // that the app listens on
	Folder       string `json:"folder,omitempty"` // that the app wants to write into: a volume belongs there
	WritableRoot bool   `json:"writable_root,omitempty"`
	Memory       bool   `json:"memory,omitempty"` // more of it

	// Missing is how many files of the first page no visitor gets, as the page looks for
	// them outside of the app's path, and MissingFile the address of the first: a route
	// that is a host alone mends it.
	Missing     int    `json:"missing,omitempty"`
	MissingFile string `json:"missing_file,omitempty"`
}
