package helper

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
	"berth/controller/listen"
)

const (
	listenersAtOnce = 4 // helpers that look at what listens; others do without
	listenProcesses = 16
)

// ErrBusy says that so many helpers look at what listens already.
var ErrBusy = errors.New("enough helpers look already")

// Listening calls each with the TCP addresses on which an instance listens, first at
// once and then whenever they change, until ctx ends or the helper does.
//
// The helper is a container of our own program, as nobody and without any capability,
// that shares the instance's network and reads the kernel's table of its sockets. An
// instance that is started again has another network: the helper sees nothing of it.
func (h *Helpers) Listening(ctx context.Context, name string, each func([]netip.AddrPort)) error {
	select {
	case h.listeners <- struct{}{}:
		defer func() { <-h.listeners }()
	default:
		return fmt.Errorf("look at what %s listens on: %w", name, ErrBusy)
	}
	instance, err := h.link.Inspect(ctx, name)
	if err != nil {
		return err
	}
	id, connection, err := h.startAttached(ctx, listen.Command, listenerHost(instance.ID))
	if id != "" {
		defer h.DiscardHelper(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("look at what %s listens on: %w", name, err)
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, connection.Close)()
	answers := link.Answers(connection.Reader)
	defer func() { _ = answers.Close() }()
	err = listen.Receive(answers, each)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// startAttached creates and starts a helper that does one command, with its streams. The id
// is that of the container also where it could not be started.
func (h *Helpers) startAttached(ctx context.Context, command string, host *container.HostConfig) (id string, connection types.HijackedResponse, err error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	create := func() {
		image, imageErr := h.HelperImage(ctx)
		if id, err = "", imageErr; err == nil {
			id, err = h.CreateHelper(ctx, h.attachedConfig(image, command), host)
		}
	}
	if create(); errdefs.IsNotFound(err) {
		h.ForgetHelperImage()
		create()
	}
	if err != nil {
		return "", connection, link.Failure(ctx, "create helper", err)
	}
	connection, err = h.link.API(ctx).ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return id, connection, link.Failure(ctx, "attach to helper", err)
	}
	if err := h.link.Start(ctx, id); err != nil {
		connection.Close()
		return id, connection, link.Failure(ctx, "start helper", err)
	}
	return id, connection, nil
}

func (h *Helpers) attachedConfig(image, command string) *container.Config {
	return &container.Config{
		Image: image, User: "65534:65534", Cmd: []string{command}, Env: []string{"GOMEMLIMIT=32MiB"},
		OpenStdin: true, StdinOnce: true, // the helper ends when this process is gone
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		Labels: map[string]string{link.LabelStack: h.link.Stack, link.LabelRole: link.RoleHelper},
	}
}

// listenerHost is for something that reads one table of the kernel.
func listenerHost(instance string) *container.HostConfig {
	return attachedHost(container.NetworkMode("container:" + instance))
}

// attachedHost is the hardening policy for a helper without files.
func attachedHost(network container.NetworkMode) *container.HostConfig {
	processes := int64(listenProcesses)
	return &container.HostConfig{
		NetworkMode: network,
		AutoRemove:  true, ReadonlyRootfs: true,
		CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		IpcMode: container.IPCModePrivate, CgroupnsMode: container.CgroupnsModePrivate,
		OomScoreAdj: link.KillFirst, LogConfig: container.LogConfig{Type: "none"},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Resources: container.Resources{
			Memory: helperMemory, MemorySwap: helperMemory, NanoCPUs: helperNanoCPUs / 4, PidsLimit: &processes,
			Ulimits: []*container.Ulimit{
				{Name: "nofile", Soft: helperOpenFiles, Hard: helperOpenFiles},
				{Name: "core", Soft: 0, Hard: 0},
			},
		},
	}
}
