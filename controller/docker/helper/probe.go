package helper

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
	"berth/controller/probe"
)

// Probe makes the tries from a container on the network, and returns what became of them.
//
// The container is a helper: our own program, as nobody, without any capability or file. It
// ends with this process, and is removed then.
func (h *Helpers) Probe(ctx context.Context, network string, tries []probe.Try) ([]probe.Result, error) {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout+probe.Patience)
	defer cancel()
	id, connection, err := h.startAttached(ctx, probe.Command, attachedHost(container.NetworkMode(network)))
	if id != "" {
		defer h.DiscardHelper(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, connection.Close)()
	answers := link.Answers(connection.Reader)
	defer func() { _ = answers.Close() }()
	results, err := probe.Ask(connection.Conn, answers, tries)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return results, err
}
