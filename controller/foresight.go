package controller

import (
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/plan"
)

// foresee says what the plan of an upload will do to what runs, a sentence for each
// service. What depends on how a build ends is said so.
func (c *Controller) foresee(ctx context.Context, found app.App, made plan.Plan, environment environment.OpenEnvironment) ([]string, error) {
	if !made.Composed || found.Live == 0 {
		return nil, nil
	}
	live, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
	if err != nil {
		return nil, err
	}
	former, err := c.releases.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, service := range made.Services {
		text, err := c.foreseeService(live, service, service.Name == made.Main, environment, former)
		if err != nil {
			return nil, err
		}
		said = append(said, text)
	}
	for _, old := range live.Services {
		if !old.Sole && !slices.ContainsFunc(made.Services, func(s plan.Service) bool { return s.Name == old.Spec.Name }) {
			said = append(said, fmt.Sprintf("%s is no longer in the file: it is stopped once the new release is live.", old.Spec.Name))
		}
	}
	return said, nil
}

func (c *Controller) foreseeService(live app.Release, service plan.Service, main bool, environment, former environment.OpenEnvironment) (string, error) {
	at := slices.IndexFunc(live.Services, func(run app.ServiceRun) bool { return !run.Sole && run.Spec.Name == service.Name })
	writes := slices.ContainsFunc(service.Mounts, func(m plan.Mount) bool { return !m.ReadOnly })
	switch {
	case at < 0:
		return fmt.Sprintf("%s is new.", service.Name), nil
	case service.Restart.Mode == plan.Never:
		return fmt.Sprintf("%s runs once.", service.Name), nil
	case !service.Stateful():
		return fmt.Sprintf("%s starts beside the old one.", service.Name), nil
	}
	same, err := c.releases.SameDefinition(live, live.Services[at], service, environment, former)
	switch {
	case err != nil:
		return "", err
	case !main && same:
		return fmt.Sprintf("%s is kept as it is, with its data, unless its image changes.", service.Name), nil
	case !writes:
		return fmt.Sprintf("%s starts beside the old one: it only reads its volume.", service.Name), nil
	default:
		return fmt.Sprintf("%s is replaced: the old one stops first, because both write into the same volume. Meanwhile it does not answer.", service.Name), nil
	}
}
