package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"time"
)

// Service is one kind of container of an app. A zero field leaves the choice to the image
// and the hardening policy.
type Service struct {
	Name        string
	Build       Build
	Image       string // a reference to pull, if nothing is built
	AlwaysPull  bool   // pull the image even if it is there
	Port        uint16 // that the service listens on; 0 means the port of the image (ChoosePort)
	Internal    bool   // it serves only the app's other services, and gets no port
	Replicas    int    // the number of containers; 0 means 1
	Limits      Limits
	Waivers     Waivers
	Environment []string // NAME=value; a value may refer to secrets

	Command    []string // nil means the image's
	Entrypoint []string // nil means the image's; another one drops the image's command
	WorkingDir string
	User       string // empty means the image's
	Hostname   string
	Labels     map[string]string
	Stop       Stop
	Restart    Restart
	Health     *Healthcheck // nil means the image's
	DependsOn  []Dependency // by name
	Links      []string     `json:"-"` // services that it names as links; only shown

	Aliases    []string // names on the app's network, with its own
	ExtraHosts []string // name:address
	Sysctls    map[string]string

	Mounts        []Mount
	Tmpfs         []Tmpfs
	Files         []File
	ShmBytes      int64
	ReservedBytes int64 // of memory, kept for it when memory runs short
	Ulimits       []Ulimit
	DropBind      bool // it does without NET_BIND_SERVICE too
	WithoutInit   bool // its own first process is process 1
	// Scratch are the places that the image declares as volumes and where nothing is
	// mounted. What is written there goes with the container.
	Scratch []string `json:",omitempty"`

	Site bool `json:",omitempty"` // Berth's own server for static sites
}

// Stop says how to end a service.
type Stop struct {
	Signal string        // empty means the image's
	Grace  time.Duration // 0 means the platform's
}

// Restart says what happens when a service ends. The zero value starts it again.
type Restart struct {
	Mode    RestartMode
	Retries int // of OnFailure; 0 means no limit
}

// RestartMode says when a service is started again.
type RestartMode string

// The ways of starting again.
const (
	Always    RestartMode = "" // until a person stops it
	OnFailure RestartMode = "on-failure"
	Never     RestartMode = "no"
)

// LeastInterval is the shortest time between two health checks of a service: each check
// starts a process.
const LeastInterval = time.Second

// Healthcheck says how the engine checks whether a service works.
type Healthcheck struct {
	Test          []string // CMD and a command, CMD-SHELL and a line, or NONE
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// Dependency is another service that must first reach a condition.
type Dependency struct {
	Service   string
	Condition Condition
	Required  bool // false: the service starts even if the other service cannot
	Restart   bool // start it again after the other service was replaced
}

// Condition is the state that a dependency must reach.
type Condition string

// The conditions.
const (
	Started   Condition = "started"
	Healthy   Condition = "healthy"
	Completed Condition = "completed" // with exit code 0
)

// Mount is a named volume of the app in a service.
type Mount struct {
	Volume   string // its name within the app; the caller makes the engine's name
	Target   string // absolute and clean
	ReadOnly bool
	NoCopy   bool // an empty volume does not get the image's files at Target
}

// Tmpfs is a folder in memory; it is always noexec, nosuid and nodev.
type Tmpfs struct {
	Target string
	Bytes  int64
	Mode   fs.FileMode // 0 is 1777
}

// File is a file that a service has beside its image. A file with a secret's name, or
// with Private, exists only in memory, under SecretsFolder.
type File struct {
	Path    string // absolute and clean
	Mode    fs.FileMode
	UID     string // a number; empty means the user that the service runs as
	GID     string
	Content []byte // a Private one may refer to secrets
	Private bool
	// Link makes the file a symbolic link to a private file; empty for any other.
	Link string `json:",omitempty"`
}

// SecretsFolder is the folder of private files, in memory.
const SecretsFolder = "/run/secrets"

// Ulimit is a limit of each process.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// Fingerprint is a hash of every part of the service that needs a new container when it
// changes, without its image and the values of secrets. It covers which secrets a service
// refers to, so compare the versions of the secrets beside it.
func (s Service) Fingerprint() string {
	s.Scratch = nil // it comes from the image
	s.Build, s.Image, s.AlwaysPull, s.DependsOn, s.Replicas = Build{}, "", false, nil, 0
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // no field of Service has a type that could fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Stateful reports whether two containers of the service would share data. Such a service
// is replaced; it never runs beside its successor.
func (s Service) Stateful() bool { return len(s.Mounts) > 0 }

// Count is how many containers of the service run.
func (s Service) Count() int { return max(1, s.Replicas) }
