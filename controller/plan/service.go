package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"time"
)

// Service is one kind of container of an app. What is zero is left to the image
// and to the hardening policy.
type Service struct {
	Name        string
	Build       Build
	Image       string // a reference to pull, where nothing is built
	AlwaysPull  bool   // the image, also where it is there
	Port        uint16 // that it listens on; 0 lets the image decide (ChoosePort)
	Internal    bool   // it serves the app's other services alone, and is told no port
	Replicas    int    // how many run; 0 is 1
	Limits      Limits
	Waivers     Waivers
	Environment []string // NAME=value; a value may refer to secrets

	Command    []string // nil is the image's
	Entrypoint []string // nil is the image's; another one drops the image's command
	WorkingDir string
	User       string // empty is the image's
	Hostname   string
	Labels     map[string]string
	Stop       Stop
	Restart    Restart
	Health     *Healthcheck // nil is the image's
	DependsOn  []Dependency // by name

	Aliases    []string // names on the app's network, its own among them
	ExtraHosts []string // name:address
	Sysctls    map[string]string

	Mounts        []Mount
	Tmpfs         []Tmpfs
	Files         []File
	ShmBytes      int64
	ReservedBytes int64 // of memory, that it keeps when memory runs short
	Ulimits       []Ulimit
	DropBind      bool // it gives up NET_BIND_SERVICE too
	WithoutInit   bool // its own first process is process 1
}

// Stop is how a service is asked to end.
type Stop struct {
	Signal string        // empty is the image's
	Grace  time.Duration // 0 is the platform's
}

// Restart is what happens when a service ends. The zero value starts it again.
type Restart struct {
	Mode    RestartMode
	Retries int // of OnFailure; 0 is without end
}

// RestartMode is when a service is started again.
type RestartMode string

// The ways of starting again.
const (
	Always    RestartMode = "" // until it is stopped by a person
	OnFailure RestartMode = "on-failure"
	Never     RestartMode = "no"
)

// LeastInterval is the shortest time between two checks of a service's health: each
// starts a process.
const LeastInterval = time.Second

// Healthcheck is how the engine finds out whether a service works.
type Healthcheck struct {
	Test          []string // CMD and a command, CMD-SHELL and a line, or NONE
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// Dependency is another service that must have come so far first.
type Dependency struct {
	Service   string
	Condition Condition
	Required  bool // without it, the service starts also if the other one cannot
	Restart   bool // it is started again after the other one was replaced
}

// Condition is how far a dependency must be.
type Condition string

// The conditions.
const (
	Started   Condition = "started"
	Healthy   Condition = "healthy"
	Completed Condition = "completed" // with exit code 0
)

// Mount is a named volume of the app in a service.
type Mount struct {
	Volume   string // its name within the app; the engine's name is the caller's
	Target   string // absolute and clean
	ReadOnly bool
	NoCopy   bool // an empty volume does not get what the image has at Target
}

// Tmpfs is a folder in memory; it is always noexec, nosuid and nodev.
type Tmpfs struct {
	Target string
	Bytes  int64
	Mode   fs.FileMode // 0 is 1777
}

// File is a file that a service finds beside its image. A file with a secret's
// name, or with Private, is for memory alone, under SecretsFolder.
type File struct {
	Path    string // absolute and clean
	Mode    fs.FileMode
	UID     string // a number; empty is the user that the service runs as
	GID     string
	Content []byte // a Private one may refer to secrets
	Private bool
}

// SecretsFolder is where private files lie, in memory.
const SecretsFolder = "/run/secrets"

// Ulimit is a limit of each process.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// Fingerprint is a hash of everything about the service that needs a new
// container when it changes, but for its image and for the values of secrets: it
// holds which secrets a service refers to, so compare their versions beside it.
func (s Service) Fingerprint() string {
	s.Build, s.Image, s.AlwaysPull, s.DependsOn, s.Replicas = Build{}, "", false, nil, 0
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // no field of Service has a type that could fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Stateful reports whether two containers of the service would share data: such
// a service is replaced, not run beside its successor.
func (s Service) Stateful() bool { return len(s.Mounts) > 0 }

// Count is how many containers of the service run.
func (s Service) Count() int { return max(1, s.Replicas) }
