package traefik

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	confirmTimeout = 30 * time.Second // a busy machine with 1,000 apps needs five to reload
	firstPause     = 5 * time.Millisecond
	longestPause   = 100 * time.Millisecond
	settleTime     = 5 * time.Millisecond
)

// providerSuffix is the proxy's suffix for names in our files.
const providerSuffix = "@file"

// ErrUnconfirmed says that the proxy did not show the wanted configuration in time.
var ErrUnconfirmed = errors.New("the proxy has not taken the configuration")

// RejectedError says that the proxy read a part of the configuration and refuses to run
// it. To wait longer does not help.
type RejectedError struct {
	Name   string   // of the router or service
	Errors []string // in the proxy's words
}

// Error joins the proxy's messages.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("the proxy rejects %s: %s", e.Name, strings.Join(e.Errors, "; "))
}

// Confirm waits until the proxy runs exactly the published configuration of table. Each
// router must have no error, the right service with its address as the only server, and
// the middlewares of its Access, whose names depend on their content. A closed app must
// have no router.
// Confirm asks for each part by name. So it is cheap for a table from Only, even with
// many apps. The first call is immediate, and the last one after 30 s.
func (c *Client) Confirm(ctx context.Context, table Table) error {
	want, err := Generate(table)
	if err != nil {
		return err
	}
	gone := closedRouters(table)
	err = c.await(ctx, "published routes", func(ctx context.Context) error {
		return cmp.Or(c.compareEach(ctx, want), c.missEach(ctx, gone))
	})
	if err != nil || !slices.ContainsFunc(table.Targets, func(t Target) bool { return !t.Access.Equal(Access{}) }) {
		return err
	}
	return settle(ctx)
}

// settle waits for the proxy's other entry points, so that protection is active on all of
// them. The proxy switches them one after the other in any order, and the API's entry
// point may be the first.
func settle(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(settleTime):
		return nil
	}
}

// closedRouters returns the routers that the closed targets had while they were open.
func closedRouters(table Table) []string {
	var names []string
	for _, target := range table.Targets {
		if target.Proving || !target.Access.Closed() {
			continue
		}
		for place := range target.Routes {
			for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
				name := target.routerBase(place) + "-" + entryPoint
				for _, suffix := range routerSuffixes {
					names = append(names, name+suffix)
					if len(table.TrustedProxies) > 0 {
						names = append(names, name+suffix+proxiedSuffix)
					}
				}
			}
		}
	}
	return names
}

// missEach checks that the proxy knows none of the routers.
func (c *Client) missEach(ctx context.Context, names []string) error {
	for _, name := range names {
		err := c.fetch(ctx, "/api/http/routers/"+name+providerSuffix, new(routerView))
		if err == nil {
			return fmt.Errorf("router %s is still there", name)
		}
		if !errors.Is(err, errNotFound) {
			return err
		}
	}
	return nil
}

// ConfirmRoutes is Confirm, and also waits until no live target of table has an extra
// router, so that a lost route no longer answers.
func (c *Client) ConfirmRoutes(ctx context.Context, table Table) error {
	want, err := Generate(table)
	if err != nil {
		return err
	}
	return c.await(ctx, "changed routes", func(ctx context.Context) error {
		if err := c.compareEach(ctx, want); err != nil {
			return err
		}
		for _, target := range table.Targets {
			if target.Proving {
				continue
			}
			// The places of routes have no gap, so an extra one is at the next place.
			name := target.routerBase(len(target.Routes)) + "-" + EntryPointWeb
			err := c.fetch(ctx, "/api/http/routers/"+name+providerSuffix, new(routerView))
			switch {
			case err == nil:
				return fmt.Errorf("router %s is still there", name)
			case !errors.Is(err, errNotFound):
				return err
			}
		}
		return nil
	})
}

// ConfirmGone waits until the proxy has dropped target, so that no new request reaches
// it.
func (c *Client) ConfirmGone(ctx context.Context, target Target) error {
	return c.await(ctx, target.service()+" gone", func(ctx context.Context) error {
		for _, part := range target.parts() {
			err := c.fetch(ctx, "/api/http/services/"+part.service()+providerSuffix, new(serviceView))
			switch {
			case errors.Is(err, errNotFound):
			case err != nil:
				return err
			default:
				return fmt.Errorf("service %s is still there", part.service())
			}
		}
		return nil
	})
}

// ConfirmAll waits until the proxy runs exactly the published configuration of table, and
// nothing else of ours. Each time it reads the proxy's whole state in one answer, because
// pages of the API could come from two states.
func (c *Client) ConfirmAll(ctx context.Context, table Table) error {
	want, err := Generate(table)
	if err != nil {
		return err
	}
	return c.await(ctx, "all routes", func(ctx context.Context) error {
		var shown stateView
		if err := c.fetch(ctx, "/api/rawdata", &shown); err != nil {
			return err
		}
		return shown.compare(want)
	})
}

func (c *Client) await(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	err := poll(ctx, check)
	if err == nil {
		return nil
	}
	if rejected := (*RejectedError)(nil); errors.As(err, &rejected) {
		return fmt.Errorf("confirm %s: %w", what, err)
	}
	return fmt.Errorf("confirm %s: %w: %w", what, ErrUnconfirmed, err)
}

// poll repeats check until it succeeds, is rejected, or ctx ends. In the last case it
// returns the last error of check with that of ctx.
func poll(ctx context.Context, check func(context.Context) error) error {
	pause := firstPause
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		err := check(ctx)
		if rejected := (*RejectedError)(nil); err == nil || errors.As(err, &rejected) {
			return err
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-timer.C:
		}
		pause = min(pause*3/2, longestPause)
	}
}

// compareEach asks for one name after the other and stops at the first difference. So a
// poll that comes too early costs one call.
func (c *Client) compareEach(ctx context.Context, want *Configuration) error {
	if err := c.compareStreams(ctx, want); err != nil || want.HTTP == nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(want.HTTP.Routers)) {
		var shown routerView
		if err := c.fetch(ctx, "/api/http/routers/"+name+providerSuffix, &shown); err != nil {
			return err
		}
		if err := shown.compare(name, want.HTTP.Routers[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want.HTTP.Services)) {
		var shown serviceView
		if err := c.fetch(ctx, "/api/http/services/"+name+providerSuffix, &shown); err != nil {
			return err
		}
		if err := shown.compare(name, want.HTTP.Services[name]); err != nil {
			return err
		}
	}
	return nil
}

// The types below are the compared parts of the API's answers.

const statusEnabled = "enabled"

type stateView struct {
	Routers  map[string]routerView  `json:"routers"`
	Services map[string]serviceView `json:"services"`

	TCPRouters  map[string]routerView `json:"tcpRouters"`
	TCPServices map[string]streamView `json:"tcpServices"`
	UDPRouters  map[string]routerView `json:"udpRouters"`
	UDPServices map[string]streamView `json:"udpServices"`
}

type routerView struct {
	EntryPoints []string `json:"entryPoints"`
	Middlewares []string `json:"middlewares"`
	Service     string   `json:"service"`
	Rule        string   `json:"rule"`
	Priority    int      `json:"priority"`
	TLS         *tlsView `json:"tls"`
	Status      string   `json:"status"`
	Errors      []string `json:"error"`
}

type tlsView struct {
	CertResolver string `json:"certResolver"`
}

type serviceView struct {
	LoadBalancer struct {
		Servers []struct {
			URL string `json:"url"`
		} `json:"servers"`
	} `json:"loadBalancer"`
	Status string   `json:"status"`
	Errors []string `json:"error"`
}

// compare checks the whole configuration of the file provider.
func (s stateView) compare(want *Configuration) error {
	http := want.HTTP
	if http == nil {
		http = new(HTTP)
	}
	for name, router := range http.Routers {
		if err := s.Routers[name+providerSuffix].compare(name, router); err != nil {
			return err
		}
	}
	for name, service := range http.Services {
		if err := s.Services[name+providerSuffix].compare(name, service); err != nil {
			return err
		}
	}
	for name := range s.Routers {
		ours, isOurs := strings.CutSuffix(name, providerSuffix)
		if isOurs && http.Routers[ours] == nil && !isStackRouter(ours) {
			return fmt.Errorf("router %s is still there", ours)
		}
	}
	return s.compareStreams(want)
}

// isStackRouter reports whether the router is one that WriteStatic writes.
func isStackRouter(name string) bool {
	return name == EntryPointDashboard || strings.HasPrefix(name, EntryPointDashboard+".") || isAdminRouter(name) || name == challengeRouter
}

func (v routerView) compare(name string, want *Router) error {
	same := v.Service == want.Service && v.Rule == want.Rule &&
		slices.Equal(v.EntryPoints, want.EntryPoints) &&
		slices.EqualFunc(v.own(), want.Middlewares, sameName) &&
		(want.Priority == 0 || v.Priority == want.Priority) &&
		(v.TLS != nil) == (want.TLS != nil) && (v.TLS == nil || v.TLS.CertResolver == want.TLS.CertResolver)
	if !same {
		return fmt.Errorf("router %s is not as published", name)
	}
	if v.Status != statusEnabled || len(v.Errors) > 0 {
		return &RejectedError{Name: "router " + name, Errors: append(v.Errors, "status "+v.Status)}
	}
	return nil
}

// own returns its middlewares without those of the entry points.
func (v routerView) own() []string {
	return slices.DeleteFunc(slices.Clone(v.Middlewares), func(name string) bool { return strings.HasPrefix(name, requestsPrefix) })
}

func (v serviceView) compare(name string, want *Service) error {
	servers := v.LoadBalancer.Servers
	if len(servers) != 1 || servers[0].URL != want.LoadBalancer.Servers[0].URL {
		return fmt.Errorf("service %s is not as published", name)
	}
	if v.Status != statusEnabled || len(v.Errors) > 0 {
		return &RejectedError{Name: "service " + name, Errors: append(v.Errors, "status "+v.Status)}
	}
	return nil
}

// sameName compares the proxy's name with ours.
func sameName(shown, ours string) bool { return strings.TrimSuffix(shown, providerSuffix) == ours }
