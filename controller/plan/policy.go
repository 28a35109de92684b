package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/recipe"
)

// Nobody is the user of an app whose image names none. It is nobody:nogroup in numbers,
// because an image FROM scratch has no /etc/passwd.
const Nobody = recipe.User

// Waivable are the capabilities that a waiver may restore. Database and web server images
// use them to start as root and drop root.
var Waivable = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}

// BindCapability lets a service listen on a port below 1024. It is the only capability of
// every service.
const BindCapability = "NET_BIND_SERVICE"

// Sysctls are the kernel settings that a service can choose. They are of its own network,
// and cost the host nothing.
var Sysctls = []string{
	"net.core.somaxconn", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
}

// MostUlimits are the highest limits of a process that a service can choose.
var MostUlimits = map[string]int64{
	"nofile": 65_536, "nproc": 4096, "memlock": 64 << 20, "stack": 64 << 20, "core": 0,
}

// Limits are the most resources of one service. Zero is not "no limit": Policy refuses
// it.
type Limits struct {
	MemoryBytes int64 // of memory and swap together: there is no extra swap
	NanoCPUs    int64 // billionths of a CPU
	Processes   int64 // threads count too
	// StartTime bounds how long a service may take to become ready. It is part of the
	// operator's maximum only; zero is 15 minutes.
	StartTime time.Duration `json:",omitempty"`
}

// defaultLongestStart is the longest start time where the operator sets none.
const defaultLongestStart = 15 * time.Minute

// LongestStart is how long a service may take to become ready at most.
func (l Limits) LongestStart() time.Duration { return cmp.Or(l.StartTime, defaultLongestStart) }

// DefaultLimits returns the limits of the hardening policy: 512 MB, half a CPU, 100 processes.
func DefaultLimits() Limits {
	return Limits{MemoryBytes: 512 << 20, NanoCPUs: 500_000_000, Processes: 100}
}

// Waivers loosen the policy for one service. The zero value is the strictest. Code that
// sets a waiver must show it on the app's page and audit it.
type Waivers struct {
	WritableRoot bool // the root file system is writable
	RootUser     bool // the image may run as root inside
	// Database lets official images of databases start as root and drop root: it allows
	// root at first, and every one of the capabilities below.
	Database bool
	// RootStart is the tier between: an image starts as root and drops root. It allows
	// what Database allows, and a writable root file system.
	RootStart    bool     `json:",omitempty"`
	Capabilities []string // of CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID
}

// Policy is the hardening policy of one service as the engine enforces it. No service
// gets anything without a field here: published ports, host mounts, devices, host
// namespaces, privileged mode, or another seccomp or AppArmor profile than the engine's
// default.
type Policy struct {
	MemoryBytes         int64
	MemoryAndSwapBytes  int64 // equal to MemoryBytes: no extra swap
	NanoCPUs            int64
	Processes           int64
	DroppedCapabilities []string
	AddedCapabilities   []string // sorted, without the CAP_ prefix
	User                string   // for the container; empty means the user of the image
	SecurityOptions     []string
	ReadOnlyRoot        bool
	TemporaryFolders    map[string]string // path -> tmpfs mount options
	LogDriver           string
	LogOptions          map[string]string
	Init                bool
	RestartPolicy       string
	RestartRetries      int
}

// Policy returns the hardening policy with the service's limits and waivers applied.
// imageUser is the USER of its image. It returns a *Refusal for a limit of zero, and for a
// capability that no waiver gives.
func (s Service) Policy(imageUser string) (Policy, error) {
	if err := s.Limits.check(); err != nil {
		return Policy{}, err
	}
	capabilities, err := s.Waivers.capabilities()
	if err != nil {
		return Policy{}, err
	}
	if s.DropBind {
		capabilities = slices.DeleteFunc(capabilities, func(c string) bool { return c == BindCapability })
	}
	if s.User != "" {
		imageUser = s.User
	}
	restart := string(s.Restart.Mode)
	if restart == "" {
		restart = "unless-stopped"
	}
	return Policy{
		MemoryBytes:         s.Limits.MemoryBytes,
		MemoryAndSwapBytes:  s.Limits.MemoryBytes,
		NanoCPUs:            s.Limits.NanoCPUs,
		Processes:           s.Limits.Processes,
		DroppedCapabilities: []string{"ALL"},
		AddedCapabilities:   capabilities,
		User:                s.Waivers.user(imageUser),
		SecurityOptions:     []string{"no-new-privileges:true"},
		ReadOnlyRoot:        !s.Waivers.WritesRoot(),
		TemporaryFolders:    s.temporaryFolders(),
		LogDriver:           "json-file",
		LogOptions:          map[string]string{"max-size": "10m", "max-file": "3"},
		Init:                !s.WithoutInit,
		RestartPolicy:       restart,
		RestartRetries:      s.Restart.Retries,
	}, nil
}

// temporaryFolders returns /tmp and the folders that the service asks for. No program can
// run from them. A /tmp in memory would hide files that the service has there, so such a
// service has none.
func (s Service) temporaryFolders() map[string]string {
	folders := map[string]string{}
	if !slices.ContainsFunc(s.Files, func(f File) bool { return !f.Private && IsBelow(f.Path, "/tmp") }) {
		folders["/tmp"] = "rw,noexec,nosuid,nodev,size=100m"
	}
	for _, tmpfs := range s.Tmpfs {
		options := fmt.Sprintf("rw,noexec,nosuid,nodev,size=%d", tmpfs.Bytes)
		if tmpfs.Mode != 0 {
			options += fmt.Sprintf(",mode=%o", tmpfs.Mode)
		}
		folders[tmpfs.Target] = options
	}
	return folders
}

// check refuses values that the engine would read as "no limit".
func (l Limits) check() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"memory", l.MemoryBytes},
		{"CPU", l.NanoCPUs},
		{"process", l.Processes},
	} {
		if limit.value <= 0 {
			return &Refusal{
				Reason: fmt.Sprintf("The %s limit is %d, which would mean no limit.", limit.name, limit.value),
				Hint:   "Set a limit above zero.",
			}
		}
	}
	return nil
}

// capabilities returns the capabilities to add after all are dropped.
func (w Waivers) capabilities() ([]string, error) {
	added := []string{BindCapability}
	if w.Database || w.RootStart {
		added = append(added, Waivable...)
	}
	for _, capability := range w.Capabilities {
		if !slices.Contains(Waivable, capability) {
			return nil, &Refusal{
				Reason: fmt.Sprintf("The capability %.40q cannot be given to an app.", capability),
				Hint:   "A security exception can give " + strings.Join(Waivable, ", ") + ".",
			}
		}
		added = append(added, capability)
	}
	slices.Sort(added)
	return slices.Compact(added), nil
}

// user returns the user of the container's first process.
func (w Waivers) user(imageUser string) string {
	if w.RunsAsRoot() || !IsRoot(imageUser) {
		return imageUser
	}
	return Nobody
}

// RunsAsRoot reports whether a service may start as root inside.
func (w Waivers) RunsAsRoot() bool { return w.RootUser || w.Database || w.RootStart }

// WritesRoot reports whether the root file system of a service is writable.
func (w Waivers) WritesRoot() bool { return w.WritableRoot || w.RootStart }

// Gives reports whether the waivers allow a capability.
func (w Waivers) Gives(capability string) bool {
	return capability == BindCapability || (w.Database || w.RootStart) && slices.Contains(Waivable, capability) || slices.Contains(w.Capabilities, capability)
}

// IsRoot reports whether the engine would start USER as user id 0. It reads the number
// like the engine, so 00 and +0 are root too. The engine looks up a name other than root
// in the image's own /etc/passwd, which is not available here.
func IsRoot(imageUser string) bool {
	user, _, _ := strings.Cut(imageUser, ":")
	if user == "" || user == "root" {
		return true
	}
	id, err := strconv.Atoi(user)
	return err == nil && id <= 0
}
