package routing

import (
	"context"
	"slices"

	"berth/controller/app"
)

// BeginReplacement shows visitors of the live release that it is back in a moment, where
// its main instance is one of those that are about to stop, for the next release or to start
// again. It returns once the proxy does, so that nobody is led to an instance that is gone.
// The page is a courtesy: without it, visitors get the proxy's 502.
//
// Commit and EndReplacement end it, and the end of this process: its next one starts the
// live release again.
func (r *Routes) BeginReplacement(ctx context.Context, live app.Release, stopping []string) {
	if r.pages == "" || !slices.ContainsFunc(live.MainRun().Instances, func(name string) bool { return slices.Contains(stopping, name) }) {
		return
	}
	r.replaced.set([]app.Name{live.App}, true)
	if err := r.PublishAndConfirm(ctx, live.ReleaseID); err != nil {
		r.logger.Warn("show that an app is back in a moment", "app", string(live.App), "error", err)
	}
}

// EndReplacement leads visitors to the app's live release again.
func (r *Routes) EndReplacement(ctx context.Context, name app.Name) {
	if !r.replaced.has(name) {
		return
	}
	r.replaced.set([]app.Name{name}, false)
	if err := r.Publish(context.WithoutCancel(ctx)); err != nil {
		r.logger.Error("publish after a replacement that failed", "app", string(name), "error", err)
		r.reconcile()
	}
}
