// Package exits runs the stack's exit: the container that is the only way out of the networks of apps that may not connect to everything.
package exits

import (
	"context"
	"errors"
	"io"
	"net/netip"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/helper"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
)

// The limits of the exit, which carries the connections of all apps with a list.
const (
	memory    = 128 << 20
	processes = 32
	openFiles = 4096
)

// ErrNoExit says that the exit does not run.
var ErrNoExit = errors.New("the exit of closed networks does not run")

// Exits keeps the stack's exit.
type Exits struct {
	link    *link.Link
	bridges *networks.Bridges
	helpers *helper.Helpers
	program []string // the command line
}

// New returns the exits of a stack. Nothing reaches the pool through the exit; private
// lets lists name private addresses outside it.
func New(reached *link.Link, bridges *networks.Bridges, helpers *helper.Helpers, pool netip.Prefix, private bool) *Exits {
	return &Exits{link: reached, bridges: bridges, helpers: helpers, program: link.ExitArguments(pool, private)}
}

// EnsureExit makes the exit where there is none of this program, starts it, and puts it on
// every closed network.
func (e *Exits) EnsureExit(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	exit, err := e.current(ctx)
	if err != nil {
		return err
	}
	if exit.ID == "" {
		if exit, err = e.create(ctx); err != nil {
			return err
		}
	}
	closed, err := e.bridges.Closed(ctx)
	if err != nil {
		return err
	}
	failures := make([]error, 0, len(closed)+1)
	for _, network := range closed {
		failures = append(failures, e.bridges.JoinExit(ctx, exit, network))
	}
	if exit.State != container.StateRunning {
		failures = append(failures, link.Failure(ctx, "start exit", e.link.Start(ctx, exit.ID)))
	}
	return errors.Join(failures...)
}

// RemoveExit removes the exit and the network that leads it outside.
func (e *Exits) RemoveExit(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	found, err := e.bridges.Exits(ctx)
	if err != nil {
		return err
	}
	for _, exit := range found {
		if err := e.link.Remove(ctx, exit.ID); err != nil {
			return err
		}
	}
	return e.bridges.RemoveOutside(ctx)
}

// AttachExit returns what the exit prints, and takes what it reads. ErrNoExit where it
// does not run.
func (e *Exits) AttachExit(ctx context.Context) (io.ReadWriteCloser, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := e.bridges.Exits(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || found[0].State != container.StateRunning {
		return nil, ErrNoExit
	}
	connection, err := e.link.API(ctx).ContainerAttach(ctx, found[0].ID, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, link.Failure(ctx, "attach to exit", err)
	}
	answers := link.Answers(connection.Reader)
	return &stream{ReadCloser: answers, Writer: connection.Conn, end: connection.Close}, nil
}

// stream is an attached exit.
type stream struct {
	io.ReadCloser
	io.Writer
	end func()
}

// Close lets go of the exit, which goes on.
func (s *stream) Close() error {
	s.end()
	return s.ReadCloser.Close()
}

// current returns the exit of this program, and removes those of others. The zero Summary
// where there is none.
func (e *Exits) current(ctx context.Context) (container.Summary, error) {
	found, err := e.bridges.Exits(ctx)
	if err != nil || len(found) == 0 {
		return container.Summary{}, err
	}
	image, err := e.helpers.HelperImage(ctx)
	if err != nil {
		return container.Summary{}, err
	}
	var kept container.Summary
	for _, exit := range found {
		if exit.ImageID == image && kept.ID == "" {
			kept = exit
			continue
		}
		if err := e.link.Remove(ctx, exit.ID); err != nil {
			return container.Summary{}, err
		}
	}
	return kept, nil
}

// create makes the exit, not started yet.
func (e *Exits) create(ctx context.Context) (container.Summary, error) {
	outside, err := e.bridges.EnsureOutside(ctx)
	if err != nil {
		return container.Summary{}, err
	}
	made := func() (container.CreateResponse, error) {
		image, err := e.helpers.HelperImage(ctx)
		if err != nil {
			return container.CreateResponse{}, err
		}
		networking := &networktypes.NetworkingConfig{EndpointsConfig: map[string]*networktypes.EndpointSettings{outside.Name: {}}}
		return e.link.API(ctx).ContainerCreate(ctx, e.config(image), hostConfig(outside.Name), networking, nil, e.link.ExitName())
	}
	created, err := made()
	if errdefs.IsNotFound(err) {
		e.helpers.ForgetHelperImage()
		created, err = made()
	}
	return container.Summary{ID: created.ID, State: container.StateCreated}, link.Failure(ctx, "create exit", err)
}

func (e *Exits) config(image string) *container.Config {
	return &container.Config{
		Image: image, User: "65534:65534", Entrypoint: []string{"/berth", link.ExitCommand}, Cmd: e.program, Env: []string{"GOMEMLIMIT=100MiB"},
		OpenStdin: true, // and it stays open: each controller attaches anew
		Labels:    map[string]string{link.LabelStack: e.link.Stack, link.LabelRole: link.RoleEgress},
	}
}

// hostConfig is the hardening policy, without capabilities: the engine lets every port of a
// container be listened on without one.
func hostConfig(network string) *container.HostConfig {
	count := int64(processes)
	return &container.HostConfig{
		NetworkMode: container.NetworkMode(network), ReadonlyRootfs: true,
		CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		IpcMode: container.IPCModePrivate, CgroupnsMode: container.CgroupnsModePrivate,
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		Resources: container.Resources{
			Memory: memory, MemorySwap: memory, PidsLimit: &count,
			Ulimits: []*container.Ulimit{{Name: "nofile", Soft: openFiles, Hard: openFiles}},
		},
	}
}
