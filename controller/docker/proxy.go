package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
	"berth/controller/docker/printed"
)

const (
	proxyGrace = 5 * time.Second // for requests under way
	// proxyLogLines bounds what one look at the proxy's output reads: with many
	// requests most of it is about them.
	proxyLogLines = 20_000
)

// RestartProxy stops the stack's proxy and starts it again, as is needed for new
// static settings. Where there is none, or none that runs, it does nothing and
// says false.
func (e *Engine) RestartProxy(ctx context.Context) (restarted bool, err error) {
	ctx, cancel := link.Within(ctx, proxyGrace+link.ProcessTimeout)
	defer cancel()
	proxies, err := e.Proxies(ctx)
	if err != nil {
		return false, err
	}
	for _, proxy := range proxies {
		// One that cannot start with its settings is restarting: it counts as one that runs.
		if proxy.State != container.StateRunning && proxy.State != container.StateRestarting {
			continue
		}
		if err := e.link.API(ctx).ContainerRestart(ctx, proxy.ID, stopOptions(proxyGrace)); err != nil {
			return restarted, link.Failure(ctx, "restart proxy", err)
		}
		restarted = true
	}
	return restarted, nil
}

// ReadProxyLog calls each for what the proxy printed after since, at most the
// last 20,000 lines. An error of each ends it and is returned.
func (e *Engine) ReadProxyLog(ctx context.Context, since time.Time, each func(Line) error) error {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	proxies, err := e.Proxies(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, proxy := range proxies {
		stream, err := e.link.API(ctx).ContainerLogs(ctx, proxy.ID, container.LogsOptions{
			ShowStdout: true, ShowStderr: true, Timestamps: true,
			Since: since.Format(time.RFC3339Nano), Tail: strconv.Itoa(proxyLogLines),
		})
		if err != nil {
			return link.Failure(ctx, "read output of the proxy", err)
		}
		if err := printed.Split(stream, each); err != nil {
			failures = append(failures, fmt.Errorf("read output of the proxy: %w", err))
		}
		_ = stream.Close()
	}
	return errors.Join(failures...)
}
