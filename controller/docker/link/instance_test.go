package link

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestCondition_KeepsTheLastLinesOfTheHealthCheckPrintable(t *testing.T) {
	t.Parallel()
	state := &container.State{Running: true, Health: &container.Health{Status: container.Unhealthy, Log: []*container.HealthcheckResult{
		{ExitCode: 0, Output: "well"},
		{ExitCode: 127, Output: strings.Repeat("early\n", 30) + "\x1b[31mcurl: not found\x1b[0m\r\n\n"},
	}}}
	got := conditionOf(state, 0)
	if !got.HealthRan || got.HealthExit != 127 || !strings.HasSuffix(got.HealthOutput, "early\ncurl: not found") || strings.Count(got.HealthOutput, "\n") != mostHealthLines-1 {
		t.Errorf("got %+v", got)
	}
	state.Health.Log = nil
	if got := conditionOf(state, 0); got.HealthRan || got.HealthOutput != "" {
		t.Errorf("a check that has not run: %+v", got)
	}
}
