package release

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"berth/controller/pause"
)

const (
	listenAfter   = time.Second // a silent instance is looked into so late
	listenRetry   = time.Second // after a look that could not be had
	mostPortTries = 4           // ports that are asked one after the other
)

// lookInside follows what the main instance listens on, once it has been silent for a
// moment, until ctx ends. Without it a release goes on, and its diagnosis says less.
func (p *planned) lookInside(ctx context.Context) {
	for wait := listenAfter; pause.For(ctx, wait) == nil; wait = listenRetry {
		if p.answered.Load() || len(p.main().Instances) == 0 {
			continue
		}
		if err := p.lookOnce(ctx, p.main().Instances[0]); err != nil && ctx.Err() == nil {
			p.logger.Debug("look at what an instance listens on", "release", p.release.String(), "error", err)
		}
	}
}

// lookOnce ends where the instance is started again: it has another network then.
func (s *shipment) lookOnce(ctx context.Context, name string) error {
	first, err := s.engine.Inspect(ctx, name)
	if err != nil || !first.Condition.Running {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer end()
	watching.Go(func() {
		for pause.For(ctx, listenRetry) == nil {
			now, err := s.engine.Inspect(ctx, name)
			if err == nil && !now.Condition.StartedAt.Equal(first.Condition.StartedAt) {
				end()
			}
		}
	})
	return s.engine.Listening(ctx, name, func(open []netip.AddrPort) {
		s.ports.Note(open)
		if text := s.ports.Misplaced(); text != "" {
			s.log.Say("%s", text)
		}
	})
}

// takePort moves the release to the one other port of its main service that answers HTTP,
// where nobody said which it is: neither a setting nor the compose file nor the image.
func (p *planned) takePort(ctx context.Context) error {
	main := p.main()
	reached, _, _ := p.ports.Seen()
	asked := p.ports.Asked()
	open := main.Spec.Port == 0 && len(main.image.Exposed) == 0 && p.release.Settings.Port == 0
	if !open || len(reached) == 0 || len(reached) > mostPortTries || slices.Contains(reached, asked) || !p.ports.Due() {
		return nil
	}
	var answering []uint16
	for _, port := range reached {
		if err := p.askAt(ctx, port); err != nil {
			return err
		}
		if answered, _ := p.probe(ctx, p.target(true), p.release.Settings.Readiness); answered {
			answering = append(answering, port)
		}
	}
	if len(answering) != 1 {
		return p.askAt(ctx, asked)
	}
	port := answering[0]
	if err := p.askAt(ctx, port); err != nil {
		return err
	}
	return p.keepPort(ctx, port)
}

// keepPort makes the port the release's, and the app's.
func (p *planned) keepPort(ctx context.Context, port uint16) error {
	// First what a resumed release starts from. The services here stay as they are: others
	// look at them meanwhile.
	p.taken = port
	if err := p.record(ctx); err != nil {
		return err
	}
	if err := p.ledger.UpdatePort(ctx, p.release.ReleaseID, port); err != nil {
		return err
	}
	p.release.Settings.Port = port
	p.log.Say("nobody said which port it is, and port %d answers: it is the app's port from now on", port)
	return nil
}

// askAt leads the verify route to another port.
func (p *planned) askAt(ctx context.Context, port uint16) error {
	if err := p.place(ctx, port); err != nil {
		return err
	}
	return p.routes.PublishAndConfirm(ctx, p.release.ReleaseID)
}
