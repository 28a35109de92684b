package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/diagnosis"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/readiness"
)

const completeTimeout = 10 * time.Minute // for a service that others wait for to end

// serviceError says which service of a release of several is at fault.
type serviceError struct {
	service *shipped
	err     error
}

func (e *serviceError) Error() string { return e.service.Spec.Name + ": " + e.err.Error() }
func (e *serviceError) Unwrap() error { return e.err }

// checksHealth reports whether the engine asks the service how it does.
func (s *shipped) checksHealth() bool { return readiness.ChecksHealth(s.Spec.Health, s.image) }

// patienceWith is how long the service may take to become ready, and how long it asks for.
func (p *planned) patienceWith(service *shipped) (patience, wanted time.Duration) {
	return readiness.Patience(service.Spec.Health, service.image, p.release.Settings.Readiness.StartTime, p.most.LongestStart())
}

// checkReadiness refuses to wait for a health check that is not there, and tells how long
// services get that ask for more than they may have.
func (p *planned) checkReadiness() error {
	if p.release.Settings.Readiness.By == app.ReadyHealth && !p.main().checksHealth() {
		return problem.Invalid("The app is to be ready once its health check says so, and it has none.",
			"Write a HEALTHCHECK, or choose another readiness check in the settings: http or tcp.")
	}
	for i := range p.services {
		service := &p.services[i]
		if patience, wanted := p.patienceWith(service); wanted > patience {
			p.log.Say("%s", readiness.Shortened(service.Spec.Name, patience, wanted))
		}
	}
	return nil
}

// awaitDependencies waits until what the service depends on has come so far.
func (p *planned) awaitDependencies(ctx context.Context, service *shipped) error {
	for _, dependency := range service.Spec.DependsOn {
		other := p.find(dependency.Service)
		if other == nil || dependency.Condition == plan.Started {
			continue // it comes before this one in the order
		}
		err := p.await(ctx, service, other, dependency.Condition)
		if err == nil {
			continue
		}
		if dependency.Required || ctx.Err() != nil {
			return p.ofService(other, err)
		}
		p.log.Say("%s starts without %s, which it can do without: %s", service.Spec.Name, other.Spec.Name, diagnosis.LastCause(err))
	}
	return nil
}

// await waits until every instance of other meets the condition.
func (p *planned) await(ctx context.Context, service, other *shipped, condition plan.Condition) error {
	limit, _ := p.patienceWith(other)
	late := errUnhealthy
	switch {
	case condition == plan.Completed:
		limit, late = completeTimeout, errNotCompleted
	case !other.checksHealth():
		return noHealthcheck(service, other)
	}
	p.log.Say("%s waits until %s is %s", service.Spec.Name, other.Spec.Name, condition)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	began := time.Now()
	defer func() { p.waited = time.Since(began) }()
	for {
		met, err := p.meets(ctx, other, condition)
		if err != nil || met {
			return err
		}
		if err := pause.For(ctx, inspectEvery); err != nil {
			return context.Cause(ctx)
		}
	}
}

func (s *shipment) meets(ctx context.Context, service *shipped, condition plan.Condition) (bool, error) {
	return s.all(ctx, service, func(state docker.Condition) bool {
		if condition == plan.Completed {
			return service.Done(state)
		}
		return !ended(state) && state.Health == "healthy"
	})
}

// ready reports whether a service beside the main one is as it should be: it runs, is
// healthy where that is known, or has ended well.
func (s *shipment) ready(ctx context.Context, service *shipped) (bool, error) {
	return s.all(ctx, service, func(state docker.Condition) bool {
		well := state.Running && (!service.checksHealth() || state.Health == "healthy")
		return service.Done(state) || !ended(state) && well
	})
}

// all reports whether every instance of the service is as wanted; one that is not and
// is down for good is a *diagnosis.DiedError.
func (s *shipment) all(ctx context.Context, service *shipped, wanted func(docker.Condition) bool) (bool, error) {
	for _, name := range service.Instances {
		instance, err := s.engine.Inspect(ctx, name)
		if err != nil {
			return false, err
		}
		if err := s.crashes.Note(name, instance.Condition, service.Main && !s.answered.Load()); err != nil {
			return false, err
		}
		switch state := instance.Condition; {
		case wanted(state):
		case ended(state):
			return false, &diagnosis.DiedError{Condition: state}
		default:
			return false, nil
		}
	}
	return true, nil
}

// ended reports whether an instance is down for good. Only between two starts the
// engine tells how the last run ended; one that runs after its restarts may still
// come up.
func ended(state docker.Condition) bool {
	return state.OOMKilled || !state.Running && (!state.Restarting || state.Restarts >= diagnosis.RestartsToDie)
}

// optional reports whether all services that depend on this one can do without it.
func (p *planned) optional(service *shipped) bool {
	found := false
	for i := range p.services {
		for _, dependency := range p.services[i].Spec.DependsOn {
			if dependency.Service != service.Spec.Name {
				continue
			}
			if dependency.Required {
				return false
			}
			found = true
		}
	}
	return found
}

var errNotCompleted = errors.New("it did not end in time")

func noHealthcheck(service, other *shipped) error {
	return problem.Invalid(
		fmt.Sprintf("%s waits until %s is healthy, and %s has no health check.", service.Spec.Name, other.Spec.Name, other.Spec.Name),
		"Write a healthcheck for it, or wait with condition: service_started.",
	)
}
