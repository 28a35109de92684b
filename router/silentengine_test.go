package router

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

// silentEngine stands for an engine, or its broker, that is starting again.
type silentEngine struct{ *fakeApps }

func (silentEngine) Output(context.Context, app.Name, int, bool, func(docker.Line) error) error {
	return fmt.Errorf("read output: %w: connect: no such file", docker.ErrUnavailable)
}

func TestProblem_ASilentEngineIsSaidInWordsAndIsNoFaultOfOurs(t *testing.T) {
	t.Parallel()
	var apps silentEngine
	s := newSite(t, func(o *Options) {
		apps.fakeApps = o.Story.Apps.(*fakeApps)
		o.Story.Outputs = apps
	})
	s.anApp("hello")
	s.signIn()
	answer := s.get("/admin/apps/hello/output")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer.body, "The container engine does not answer.") || strings.Contains(answer.body, "no such file") {
		t.Errorf("%d %.500s", answer.StatusCode, answer.body)
	}
}
