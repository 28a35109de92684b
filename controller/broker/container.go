package broker

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/probe"
)

const (
	secretsSuffix  = ".secrets"
	transferSuffix = "-transfer"
	transferFolder = "/transfer"
)

// mostWork is the most of a helper or a keeper of secrets.
var mostWork = plan.Limits{MemoryBytes: 128 << 20, Processes: 32}

var (
	instanceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*-r[1-9][0-9]*(\.[a-z0-9_-]+)?$`) // without the stack's
	userNumbers  = regexp.MustCompile(`^[0-9]{1,10}:[0-9]{1,10}$`)
	// namelessVolume is the name that the engine gives to a volume that was asked for without one.
	namelessVolume = regexp.MustCompile(`^[0-9a-f]{64}$`)
	groupNumber    = regexp.MustCompile(`^[0-9]{1,10}$`)
	tmpfsOptions   = regexp.MustCompile(`^rw,noexec,nosuid,nodev,size=[0-9]{1,13}m?(,mode=[0-7]{1,4})?(,uid=[0-9]{1,10},gid=[0-9]{1,10})?$`)
	layerBytes     = regexp.MustCompile(`^[0-9]{1,15}$`)
	privateFiles   = regexp.MustCompile(`^` + regexp.QuoteMeta(plan.SecretsFolder) + `$`)
)

// create judges what will run.
func (c *check) create() error {
	request := &container.CreateRequest{}
	if err := c.decode(request); err != nil {
		return err
	}
	if request.Config == nil || request.HostConfig == nil {
		return refuse("body", "it describes no container")
	}
	// The engine takes a list without an entry for one that replaces its own.
	if request.HostConfig.MaskedPaths != nil {
		return refuse("HostConfig.MaskedPaths", "it replaces the engine's own list")
	}
	if request.HostConfig.ReadonlyPaths != nil {
		return refuse("HostConfig.ReadonlyPaths", "it replaces the engine's own list")
	}
	if err := c.ownLabels("Labels", request.Labels, link.RoleApp, link.RoleHelper, link.RoleSecrets, link.RoleEgress); err != nil {
		return err
	}
	name, own := strings.CutPrefix(c.query.Get("name"), c.broker.policy.Stack+"-")
	if !own {
		return refuse("query name", "it does not begin with the stack's")
	}
	// The copies are emptied field by field as they are judged.
	made := &making{check: c, name: name, config: *request.Config, host: *request.HostConfig, asked: request}
	var err error
	switch request.Labels[link.LabelRole] {
	case link.RoleApp:
		err = made.instance()
	case link.RoleHelper:
		err = made.helper()
	case link.RoleEgress:
		err = made.exit()
	default:
		err = made.keeper()
	}
	if err != nil {
		return err
	}
	made.config.Labels = nil
	if err := allZero("", &made.config); err != nil {
		return err
	}
	return allZero("HostConfig.", &made.host)
}

// making is a container that is to be made.
type making struct {
	*check
	name   string // without the stack's
	asked  *container.CreateRequest
	config container.Config     // what of it is not judged yet
	host   container.HostConfig // likewise
}

// instance is a service of an app.
func (m *making) instance() error {
	if !instanceName.MatchString(m.name) {
		return refuse("query name", "it is not that of an instance")
	}
	if _, err := m.image(); err != nil {
		return err
	}
	if err := m.confined(m.broker.policy.Limits); err != nil {
		return err
	}
	for _, judge := range []func() error{m.user, m.limits, m.folders, m.mounts, m.network, m.comforts} {
		if err := judge(); err != nil {
			return err
		}
	}
	if m.host.CgroupParent != m.broker.policy.Cgroup {
		return refuse("HostConfig.CgroupParent", "it is not that of apps")
	}
	if m.host.LogConfig.Type != "json-file" || !boundedLog(m.host.LogConfig.Config) {
		return refuse("HostConfig.LogConfig", "the log has no bound")
	}
	for name, value := range m.host.StorageOpt {
		if name != "size" || !layerBytes.MatchString(value) {
			return refuse("HostConfig.StorageOpt", "it is not the bound of the file system")
		}
	}
	m.host.CgroupParent, m.host.LogConfig, m.host.StorageOpt = "", container.LogConfig{}, nil
	return nil
}

func boundedLog(options map[string]string) bool {
	return len(options) == 2 && options["max-size"] == "10m" && options["max-file"] == "3"
}

// imageOf allows only an image that Berth itself has made for a role.
func (m *making) imageOf(role, otherwise string) error {
	image, err := m.image()
	if err != nil {
		return err
	}
	if image.Labels[link.LabelStack] == "" || image.Labels[link.LabelRole] != role {
		return refuse("Image", otherwise)
	}
	return nil
}

// image makes the container of what was looked at, not of what the name means later.
func (m *making) image() (object, error) {
	found, err := m.usableImage("Image", m.config.Image)
	if err != nil {
		return object{}, err
	}
	m.asked.Image, m.config.Image = found.ID, ""
	return found, nil
}

// confined is what holds for all that runs here.
func (m *making) confined(most plan.Limits) error {
	h := &m.host
	switch {
	case !slices.Equal(h.CapDrop, []string{"ALL"}):
		return refuse("HostConfig.CapDrop", "it does not drop all capabilities")
	case !slices.Equal(h.SecurityOpt, []string{"no-new-privileges:true"}):
		return refuse("HostConfig.SecurityOpt", "it is not no-new-privileges alone")
	case h.IpcMode != container.IPCModePrivate:
		return refuse("HostConfig.IpcMode", "it is not private")
	case h.CgroupnsMode != container.CgroupnsModePrivate:
		return refuse("HostConfig.CgroupnsMode", "it is not private")
	case h.OomScoreAdj < 0 || h.OomScoreAdj > 1000:
		return refuse("HostConfig.OomScoreAdj", "the engine would end before it")
	case h.Memory <= 0 || h.Memory > most.MemoryBytes:
		return refuse("HostConfig.Memory", "it is no limit, or more than apps can have")
	case h.MemorySwap != h.Memory:
		return refuse("HostConfig.MemorySwap", "it is not the limit of memory")
	case h.PidsLimit == nil || *h.PidsLimit <= 0 || *h.PidsLimit > most.Processes:
		return refuse("HostConfig.PidsLimit", "it is no limit, or more than apps can have")
	}
	h.CapDrop, h.SecurityOpt, h.IpcMode, h.CgroupnsMode, h.OomScoreAdj = nil, nil, "", "", 0
	h.Memory, h.MemorySwap, h.PidsLimit = 0, 0, nil
	return nil
}

// user is a number: the engine would look a name up in what the app has written.
func (m *making) user() error {
	if !userNumbers.MatchString(m.config.User) {
		return refuse("User", "it is not two numbers")
	}
	for _, group := range m.host.GroupAdd {
		if !groupNumber.MatchString(group) {
			return refuse("HostConfig.GroupAdd", "it is not a number")
		}
	}
	root := plan.IsRoot(m.config.User)
	if root && m.broker.policy.ForbidRoot {
		return refuse("User", "the operator forbids the security exception that root needs")
	}
	for _, capability := range m.host.CapAdd {
		plain := strings.TrimPrefix(capability, "CAP_")
		if plain != plan.BindCapability && !slices.Contains(plan.Waivable, plain) {
			return refuse("HostConfig.CapAdd", "it is not on the short list")
		}
		if plain != plan.BindCapability && m.broker.policy.ForbidRoot {
			return refuse("HostConfig.CapAdd", "the operator forbids the security exception that it needs")
		}
	}
	if !m.host.ReadonlyRootfs && m.broker.policy.ForbidWritableRoot {
		return refuse("HostConfig.ReadonlyRootfs", "the operator forbids a writable root")
	}
	m.config.User, m.host.GroupAdd, m.host.CapAdd, m.host.ReadonlyRootfs = "", nil, nil, false
	return nil
}

// limits are those that only instances have.
func (m *making) limits() error {
	h, most := &m.host, m.broker.policy.Limits
	if h.NanoCPUs <= 0 || h.NanoCPUs > most.NanoCPUs {
		return refuse("HostConfig.NanoCpus", "it is no limit, or more than apps can have")
	}
	if h.ShmSize < 0 || h.ShmSize > most.MemoryBytes {
		return refuse("HostConfig.ShmSize", "it is more memory than apps can have")
	}
	if h.MemoryReservation < 0 || h.MemoryReservation > most.MemoryBytes {
		return refuse("HostConfig.MemoryReservation", "it is more memory than apps can have")
	}
	if err := m.ulimits(); err != nil {
		return err
	}
	h.NanoCPUs, h.ShmSize, h.MemoryReservation = 0, 0, 0
	return nil
}

func (m *making) ulimits() error {
	for _, limit := range m.host.Ulimits {
		most, known := int64(0), false
		if limit != nil {
			most, known = plan.MostUlimits[limit.Name]
		}
		if !known || limit.Soft < 0 || limit.Hard < limit.Soft || limit.Hard > most {
			return refuse("HostConfig.Ulimits", "it is more than apps can have")
		}
	}
	m.host.Ulimits = nil
	return nil
}

// folders are those in memory.
func (m *making) folders() error {
	for _, options := range m.host.Tmpfs {
		if !tmpfsOptions.MatchString(options) {
			return refuse("HostConfig.Tmpfs", "programs could run there, or it has no bound")
		}
	}
	m.host.Tmpfs = nil
	return nil
}

// mounts are volumes of this stack, and memory.
func (m *making) mounts() error {
	for i, mounted := range m.host.Mounts {
		field := fmt.Sprintf("HostConfig.Mounts[%d]", i)
		var err error
		switch mounted.Type {
		case mount.TypeVolume:
			err = m.volume(field, mounted)
		case mount.TypeTmpfs:
			err = memory(field, mounted)
		default:
			err = refuse(field+".Type", "it is neither a volume nor memory")
		}
		if err != nil {
			return err
		}
	}
	m.host.Mounts = nil
	return nil
}

func (m *making) volume(field string, mounted mount.Mount) error {
	if !strings.HasPrefix(mounted.Target, "/") {
		return refuse(field+".Target", "it is no path")
	}
	if mounted.Source == "" && m.asked.Labels[link.LabelRole] == link.RoleApp {
		mounted.Type, mounted.Target = "", "" // the engine makes one that goes with the container
		return allZero(field+".", &mounted)
	}
	found, err := m.ownVolume(field+".Source", mounted.Source)
	if err != nil {
		return err
	}
	if found.Labels[link.LabelRole] == link.RoleSecrets && (!privateFiles.MatchString(mounted.Target) || !mounted.ReadOnly || mounted.Source != m.broker.policy.Stack+"-"+m.name+secretsSuffix) {
		return refuse(field+".Source", "the secrets are another instance's")
	}
	options := mount.VolumeOptions{}
	if mounted.VolumeOptions != nil {
		options = *mounted.VolumeOptions
	}
	options.NoCopy = false
	if err := allZero(field+".VolumeOptions.", &options); err != nil {
		return err
	}
	mounted.Type, mounted.Source, mounted.Target, mounted.ReadOnly, mounted.VolumeOptions = "", "", "", false, nil
	return allZero(field+".", &mounted)
}

// ownVolume finds a volume of the stack, or one without a name that the engine made for
// the stack's containers: it has no labels, and only they use it.
func (m *making) ownVolume(field, name string) (object, error) {
	found, err := m.own("volumes", field, name, link.RoleVolume, link.RoleSecrets)
	if _, refused := errors.AsType[*Refusal](err); !refused || !namelessVolume.MatchString(name) {
		return found, err
	}
	users, lookUp := m.broker.users(m.request.Context(), m.version, name)
	if lookUp != nil {
		return object{}, lookUp
	}
	for _, user := range users {
		if user.Labels[link.LabelStack] != m.broker.policy.Stack || user.Labels[link.LabelRole] != link.RoleApp {
			return object{}, err
		}
	}
	if len(users) == 0 {
		return object{}, err
	}
	return object{Labels: map[string]string{link.LabelRole: link.RoleVolume}}, nil
}

func memory(field string, mounted mount.Mount) error {
	if mounted.TmpfsOptions == nil || mounted.TmpfsOptions.SizeBytes <= 0 {
		return refuse(field+".TmpfsOptions", "it has no bound")
	}
	options := *mounted.TmpfsOptions
	options.SizeBytes, options.Mode = 0, 0
	if err := allZero(field+".TmpfsOptions.", &options); err != nil {
		return err
	}
	mounted.Type, mounted.Target, mounted.TmpfsOptions = "", "", nil
	return allZero(field+".", &mounted)
}

// network is the app's own, and no other.
func (m *making) network() error {
	name := string(m.host.NetworkMode)
	if m.asked.NetworkingConfig == nil || len(m.asked.NetworkingConfig.EndpointsConfig) != 1 {
		return refuse("NetworkingConfig.EndpointsConfig", "it is not on one network")
	}
	endpoint, there := m.asked.NetworkingConfig.EndpointsConfig[name]
	if !there {
		return refuse("HostConfig.NetworkMode", "it is not the network of the container")
	}
	found, err := m.own("networks", "HostConfig.NetworkMode", name, link.RoleNetwork)
	if err != nil {
		return err
	}
	if err := m.resolver(found); err != nil {
		return err
	}
	m.host.NetworkMode = ""
	if endpoint == nil {
		return nil
	}
	rest := *endpoint
	rest.Aliases = nil
	return allZero("NetworkingConfig.EndpointsConfig.", &rest)
}

// comforts say how a service runs, and cost nobody else anything.
func (m *making) comforts() error {
	for name, value := range m.host.Sysctls {
		if _, err := strconv.ParseUint(value, 10, 31); err != nil || !slices.Contains(plan.Sysctls, name) {
			return refuse("HostConfig.Sysctls", "it is not on the short list")
		}
	}
	m.host.Sysctls, m.host.ExtraHosts, m.host.Init, m.host.RestartPolicy = nil, nil, nil, container.RestartPolicy{}
	c := &m.config
	c.Env, c.Cmd, c.Entrypoint, c.WorkingDir, c.Hostname = nil, nil, nil, "", ""
	c.Healthcheck, c.StopSignal, c.StopTimeout = nil, "", nil
	return nil
}

// helper works in one volume, looks at what an instance listens on, tries connections from
// a network of its own, or is never started: then files are put into it, or read from it.
func (m *making) helper() error {
	if !strings.HasPrefix(m.name, "helper-") {
		return refuse("query name", "it is not that of a helper")
	}
	if m.joins() {
		return refuse("NetworkingConfig", "a helper has no network")
	}
	image, err := m.image()
	if err != nil {
		return err
	}
	if err := m.confined(mostWork); err != nil {
		return err
	}
	ours := image.Labels[link.LabelStack] != "" && image.Labels[link.LabelRole] == link.RoleHelper
	if err := m.helperRights(ours); err != nil {
		return err
	}
	if err := m.helperNetwork(ours); err != nil {
		return err
	}
	if err := m.ulimits(); err != nil {
		return err
	}
	m.quiet()
	return nil
}

// helperRights are those to read and write any file of one volume, for our own program.
func (m *making) helperRights(ours bool) error {
	if !m.host.ReadonlyRootfs && len(m.host.CapAdd) > 0 {
		return refuse("HostConfig.ReadonlyRootfs", "the root can be written to")
	}
	for _, capability := range m.host.CapAdd {
		if !ours || !slices.Contains([]string{"CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"}, capability) {
			return refuse("HostConfig.CapAdd", "a helper does not have it")
		}
	}
	if ours {
		if err := m.transfer(); err != nil {
			return err
		}
	}
	if len(m.host.CapAdd) > 0 && len(m.host.Mounts) != 1 {
		return refuse("HostConfig.Mounts", "a helper with capabilities works in one volume")
	}
	m.config.User, m.host.CapAdd, m.host.ReadonlyRootfs = "", nil, false
	return m.mounts()
}

// transfer takes out the second mount of a helper, which is the folder of sockets to the
// controller: it can connect to them, and put nothing there.
func (m *making) transfer() error {
	at := slices.IndexFunc(m.host.Mounts, func(one mount.Mount) bool { return one.Source == m.broker.policy.Stack+transferSuffix })
	if at != 1 {
		return nil // elsewhere it is no volume that a helper works in, and refused as such
	}
	mounted := m.host.Mounts[at]
	if _, err := m.own("volumes", "HostConfig.Mounts[1].Source", mounted.Source, link.RoleTransfer); err != nil {
		return err
	}
	want := mount.Mount{Type: mount.TypeVolume, Source: mounted.Source, Target: transferFolder, ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true}}
	if !reflect.DeepEqual(mounted, want) {
		return refuse("HostConfig.Mounts[1]", "it is not the folder of sockets as helpers have it")
	}
	m.host.Mounts = slices.Delete(slices.Clone(m.host.Mounts), at, at+1)
	return nil
}

func (m *making) helperNetwork(ours bool) error {
	mode := string(m.host.NetworkMode)
	m.host.NetworkMode = ""
	if mode == "none" {
		return nil
	}
	if !ours || len(m.asked.HostConfig.Mounts) > 0 || len(m.asked.HostConfig.CapAdd) > 0 || plan.IsRoot(m.asked.User) {
		return refuse("HostConfig.NetworkMode", "a helper that works has no network")
	}
	of, shared := strings.CutPrefix(mode, "container:")
	if !shared {
		return m.probeNetwork(mode)
	}
	found, err := m.own("containers", "HostConfig.NetworkMode", of, link.RoleApp)
	if err != nil {
		return err
	}
	m.asked.HostConfig.NetworkMode = container.NetworkMode("container:" + found.ID)
	return nil
}

// probeNetwork is one that no app is on, for our program and nothing but its probe.
func (m *making) probeNetwork(mode string) error {
	if !m.asked.HostConfig.ReadonlyRootfs || len(m.asked.Entrypoint) > 0 || !slices.Equal(m.asked.Cmd, []string{probe.Command}) {
		return refuse("HostConfig.NetworkMode", "only a probe has a network")
	}
	found, err := m.own("networks", "HostConfig.NetworkMode", mode, link.RoleProbe)
	if err != nil {
		return err
	}
	m.asked.HostConfig.NetworkMode = container.NetworkMode(found.ID)
	return nil
}

// quiet empties what neither a helper nor a keeper can do harm with.
func (m *making) quiet() {
	c := &m.config
	c.Env, c.Cmd, c.Entrypoint, c.NetworkDisabled = nil, nil, nil, false
	c.OpenStdin, c.StdinOnce, c.AttachStdin, c.AttachStdout, c.AttachStderr = false, false, false, false, false
	m.host.AutoRemove, m.host.RestartPolicy, m.host.NanoCPUs = false, container.RestartPolicy{}, 0
	m.host.LogConfig = container.LogConfig{}
}

// joins reports whether the container is to be on networks.
func (m *making) joins() bool {
	return m.asked.NetworkingConfig != nil && len(m.asked.NetworkingConfig.EndpointsConfig) > 0
}

// keeper holds the secrets of one instance in memory, and does nothing.
func (m *making) keeper() error {
	if !strings.HasSuffix(m.name, secretsSuffix) {
		return refuse("query name", "it is not that of a keeper of secrets")
	}
	if m.joins() || m.host.NetworkMode != "none" {
		return refuse("HostConfig.NetworkMode", "a keeper of secrets has no network")
	}
	if err := m.imageOf(link.RoleSecrets, "it is not that of keepers of secrets"); err != nil {
		return err
	}
	if err := m.confined(mostWork); err != nil {
		return err
	}
	full := m.broker.policy.Stack + "-" + m.name
	if !slices.Equal(m.host.Binds, []string{full + ":" + plan.SecretsFolder + ":nocopy"}) {
		return refuse("HostConfig.Binds", "it is not the memory of its secrets")
	}
	if _, err := m.own("volumes", "HostConfig.Binds", full, link.RoleSecrets); err != nil {
		return err
	}
	if !m.host.ReadonlyRootfs || plan.IsRoot(m.config.User) {
		return refuse("HostConfig.ReadonlyRootfs", "a keeper of secrets writes nothing, and is not root")
	}
	m.host.Binds, m.host.ReadonlyRootfs, m.config.User, m.host.NetworkMode = nil, false, "", ""
	m.quiet()
	return nil
}
