package release

import (
	"context"
	"fmt"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/dialects"
	"berth/controller/plan"
)

// Permitted are the options with what the operator allows.
func (c *Shipper) Permitted(options plan.Options) plan.Options {
	options.Most, options.Registries, options.PublicPorts = c.most, c.registries, c.routes.AllowsPorts()
	return options
}

// PlanFor makes the Plan of an app out of the tree of its upload.
func PlanFor(ctx context.Context, tree *archive.Tree, app app.Name, options plan.Options) (plan.Plan, error) {
	made, err := dialects.Plan(ctx, tree, options)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan %s: %w", app, err)
	}
	return made, nil
}
