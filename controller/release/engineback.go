package release

import (
	"context"
	"errors"
	"time"

	"berth/controller/docker"
	"berth/controller/pause"
)

const (
	engineReturns = 10 * time.Second // that a release waits for an engine before it fails
	engineRetry   = 500 * time.Millisecond
)

// awaitEngine gives an engine that does not answer a moment to come back, such as one
// whose broker starts again: a release that begins just then need not fail.
func (s *shipment) awaitEngine(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, engineReturns)
	defer cancel()
	name := s.engine.InstanceName(string(s.release.App), s.release.Number, "")
	for {
		_, err := s.engine.Inspect(ctx, name)
		if !errors.Is(err, docker.ErrUnavailable) || pause.For(ctx, engineRetry) != nil {
			return
		}
	}
}
