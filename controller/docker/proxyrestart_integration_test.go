//go:build integration

package docker

import (
	"errors"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

func TestRestartProxy_StartsTheOneThatRunsAndLeavesAStoppedOneAlone(t *testing.T) {
	engine := openTest(t)
	if restarted, err := engine.RestartProxy(t.Context()); restarted || err != nil {
		t.Fatalf("without a proxy: %t, %v", restarted, err)
	}
	proxy := mustStartProxy(t, engine)
	before := mustInspect(t, engine, proxy).State.StartedAt
	if restarted, err := engine.RestartProxy(t.Context()); !restarted || err != nil {
		t.Fatalf("%t, %v", restarted, err)
	}
	if state := mustInspect(t, engine, proxy).State; !state.Running || state.StartedAt == before {
		t.Errorf("running %t since %s", state.Running, state.StartedAt)
	}
	now := 0
	if err := engine.link.API(t.Context()).ContainerStop(t.Context(), proxy, container.StopOptions{Timeout: &now}); err != nil {
		t.Fatal(err)
	}
	if restarted, err := engine.RestartProxy(t.Context()); restarted || err != nil {
		t.Errorf("a stopped one: %t, %v", restarted, err)
	}
}

func TestReadProxyLog_EndsWithTheErrorOfItsReader(t *testing.T) {
	engine := openTest(t)
	mustStartProxy(t, engine)
	mine := errors.New("enough")
	read := 0
	err := engine.ReadProxyLog(t.Context(), time.Now().Add(-time.Hour), func(Line) error { read++; return mine })
	if read > 0 && !errors.Is(err, mine) || read == 0 && err != nil {
		t.Errorf("%d lines, %v", read, err)
	}
}
