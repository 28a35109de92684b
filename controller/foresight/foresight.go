// Package foresight says what the plan of an upload will do to what runs.
package foresight

import (
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/plan"
)

// Same reports whether all of a service of the live release is as the plan has it, but for the
// image.
type Same func(old app.ServiceRun, service plan.Service) (bool, error)

// Of returns a sentence for each service of the plan and of the live release. What depends on
// how a build ends is said so.
func Of(live app.Release, made plan.Plan, same Same) ([]string, error) {
	var said []string
	for _, service := range made.Services {
		text, err := ofService(live, service, service.Name == made.Main, same)
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

func ofService(live app.Release, service plan.Service, main bool, same Same) (string, error) {
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
	unchanged, err := same(live.Services[at], service)
	switch {
	case err != nil:
		return "", err
	case !main && unchanged:
		return fmt.Sprintf("%s is kept as it is, with its data, unless its image changes.", service.Name), nil
	case !writes:
		return fmt.Sprintf("%s starts beside the old one: it only reads its volume.", service.Name), nil
	default:
		return fmt.Sprintf("%s is replaced: the old one stops first, because both write into the same volume. Meanwhile it does not answer.", service.Name), nil
	}
}
