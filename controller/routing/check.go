package routing

import (
	"context"
	"sync"
	"time"

	"berth/controller/app"
	"berth/traefik"
)

// CheckHost asks DNS and the rules of the certificate authority about the host, for a
// wildcard about a host that it covers, and keeps what was found. It takes some seconds at most.
func (r *Routes) CheckHost(ctx context.Context, host traefik.Host) (app.HostCheck, error) {
	findings := append(r.wildcardFindings(host), r.checker.Check(ctx, host.Sample())...)
	check := app.HostCheck{Host: host, Findings: findings, At: time.Now()}
	return check, r.ledger.SaveHostCheck(ctx, check)
}

// CheckLater lets Run check the host of a new app while its release is on its way, so
// that its page can say what is wrong with it. An empty host is none.
func (r *Routes) CheckLater(host traefik.Host) {
	if host != "" {
		r.unchecked.add(host)
	}
}

// Run checks the hosts that CheckLater was given, until ctx ends, and waits for the
// checks that are under way.
func (r *Routes) Run(ctx context.Context) error {
	var checks sync.WaitGroup
	defer checks.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.unchecked.wake:
		}
		for _, host := range r.unchecked.take() {
			checks.Go(func() { r.checkLogged(ctx, host) })
		}
	}
}

// checkLogged checks a host for nobody who waits.
func (r *Routes) checkLogged(ctx context.Context, host traefik.Host) {
	if _, err := r.CheckHost(ctx, host); err != nil && ctx.Err() == nil {
		r.logger.Warn("check host", "host", string(host), "error", err)
	}
}

// uncheckedHosts wait for their first check.
type uncheckedHosts struct {
	wake  chan struct{} // ticks when there are some
	mu    sync.Mutex
	hosts []traefik.Host
}

func newUncheckedHosts() *uncheckedHosts { return &uncheckedHosts{wake: make(chan struct{}, 1)} }

func (u *uncheckedHosts) add(host traefik.Host) {
	u.mu.Lock()
	u.hosts = append(u.hosts, host)
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default: // a tick is pending already
	}
}

func (u *uncheckedHosts) take() []traefik.Host {
	u.mu.Lock()
	defer u.mu.Unlock()
	hosts := u.hosts
	u.hosts = nil
	return hosts
}
