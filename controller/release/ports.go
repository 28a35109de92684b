package release

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"berth/controller/pause"
)

const (
	listenAfter   = time.Second     // a silent instance is looked into so late
	listenRetry   = time.Second     // after a look that could not be had
	portSettles   = 2 * time.Second // what listens is not followed before it stays as it is for so long
	portRetry     = 3 * time.Second // between two tries of the same ports
	mostPortTries = 4               // ports that are asked one after the other
)

// ports are where the main instance listens. The zero value knows nothing.
type ports struct {
	mu    sync.Mutex
	known bool
	open  []netip.AddrPort
	since time.Time
	tried time.Time // when other ports were asked last
	asked uint16    // where the verify route leads
}

// ask notes where the verify route leads from here on.
func (p *ports) ask(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = port
}

func (p *ports) note(open []netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.open, p.since, p.tried = true, slices.Clone(open), time.Now(), time.Time{}
}

// seen are the ports that others reach, lowest first, and the addresses that only the
// container itself does; known is false where nobody could look.
func (p *ports) seen() (reached []uint16, inside []netip.AddrPort, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.open {
		if at.Addr().IsLoopback() {
			inside = append(inside, at)
			continue
		}
		reached = append(reached, at.Port())
	}
	slices.Sort(reached)
	return slices.Compact(reached), inside, p.known
}

// due reports whether the ports are to be asked now, and notes that they are.
func (p *ports) due() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known || time.Since(p.since) < portSettles || time.Since(p.tried) < portRetry {
		return false
	}
	p.tried = time.Now()
	return true
}

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
		s.ports.note(open)
		if text := s.misplaced(); text != "" {
			s.log.say("%s", text)
		}
	})
}

// misplaced says where the app listens, where that is not the port that it was asked at;
// empty where it does, or where it is not known.
func (s *shipment) misplaced() string {
	reached, inside, known := s.ports.seen()
	asked := s.askedPort()
	switch {
	case !known, slices.Contains(reached, asked), len(reached)+len(inside) == 0:
		return ""
	case len(reached) > 0:
		return fmt.Sprintf("The app listens on %s, not on port %d.", portList(reached), asked)
	default:
		return fmt.Sprintf("The app listens on %s only, which nothing outside of its container reaches.", addressList(inside))
	}
}

// askedPort is where the verify route leads; 0 before it leads anywhere.
func (s *shipment) askedPort() uint16 {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	return s.ports.asked
}

// takePort moves the release to the one other port of its main service that answers HTTP,
// where nobody said which it is: neither a setting nor the compose file nor the image.
func (p *planned) takePort(ctx context.Context) error {
	main := p.main()
	reached, _, _ := p.ports.seen()
	asked := p.askedPort()
	open := main.Spec.Port == 0 && len(main.image.Exposed) == 0 && p.release.Settings.Port == 0
	if !open || len(reached) == 0 || len(reached) > mostPortTries || slices.Contains(reached, asked) || !p.ports.due() {
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
	p.log.say("nobody said which port it is, and port %d answers: it is the app's port from now on", port)
	return nil
}

// askAt leads the verify route to another port.
func (p *planned) askAt(ctx context.Context, port uint16) error {
	if err := p.place(ctx, port); err != nil {
		return err
	}
	return p.routes.PublishAndConfirm(ctx, p.release.ReleaseID)
}

func portList(ports []uint16) string {
	texts := make([]string, 0, len(ports))
	for _, port := range ports {
		texts = append(texts, fmt.Sprintf("port %d", port))
	}
	return strings.Join(texts, " and ")
}

func addressList(addresses []netip.AddrPort) string {
	texts := make([]string, 0, len(addresses))
	for _, at := range addresses {
		texts = append(texts, at.String())
	}
	return strings.Join(texts, " and ")
}
