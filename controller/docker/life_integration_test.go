//go:build integration

package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/test/patience"
)

func command(words string) string {
	return "FROM scratch\nCOPY app /app\nCMD [\"/app\", \"" + strings.ReplaceAll(words, " ", "\", \"") + "\"]\n"
}

func condition(t *testing.T, engine *Engine, name string) link.Condition {
	t.Helper()
	instance, err := engine.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return instance.Condition
}

func TestCondition_TellsTheDeathByMemory(t *testing.T) {
	engine := openTest(t)
	service := testService()
	service.Limits.MemoryBytes = 64 << 20
	instance := mustStartService(t, engine, "hello", command("hoard"), service)
	eventually(t, "the app died of its memory limit", func() bool {
		return condition(t, engine, instance.Name).OOMKilled
	})
}

func TestCondition_TellsExitCodeAndRestarts(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", command("exit 7"))
	eventually(t, "the engine restarted the app", func() bool {
		now := condition(t, engine, instance.Name)
		return now.Restarts > 1 && now.ExitCode == 7 && now.Restarting && !now.Running && !now.FinishedAt.IsZero()
	})
}

func TestCondition_TellsHealth(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello",
		"FROM scratch\nCOPY app /app\nHEALTHCHECK --interval=200ms CMD [\"/app\", \"health\"]\nCMD [\"/app\"]\n")
	eventually(t, "the app is healthy", func() bool { return condition(t, engine, instance.Name).Health == "healthy" })
}

func TestLife_StopResumeRestart(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	if err := engine.Stop(t.Context(), instance.Name, time.Second); err != nil {
		t.Fatal(err)
	}
	if err := engine.Stop(t.Context(), instance.Name, time.Second); err != nil {
		t.Fatalf("stop a stopped one: %v", err)
	}
	if now := condition(t, engine, instance.Name); now.Running || now.Restarting {
		t.Errorf("after Stop %+v", now)
	}
	for range 2 {
		if err := engine.Resume(t.Context(), instance.Name); err != nil {
			t.Fatal(err)
		}
	}
	before := condition(t, engine, instance.Name)
	if err := engine.Restart(t.Context(), instance.Name, time.Second); err != nil {
		t.Fatal(err)
	}
	if after := condition(t, engine, instance.Name); !after.Running || !after.StartedAt.After(before.StartedAt) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestLife_WhatIsNotThereIsNotFound(t *testing.T) {
	engine, other := openTest(t), openTest(t)
	foreign := mustStart(t, other, "hello", dockertest.ServeDockerfile)
	for _, name := range []string{"berth-no-such-container", foreign.Name} {
		_, inspectErr := engine.Inspect(t.Context(), name)
		_, usageErr := engine.Usage(t.Context(), name, Usage{})
		for verb, err := range map[string]error{
			"inspect": inspectErr,
			"usage":   usageErr,
			"stop":    engine.Stop(t.Context(), name, 0),
			"resume":  engine.Resume(t.Context(), name),
			"restart": engine.Restart(t.Context(), name, 0),
			"tail":    engine.Tail(t.Context(), name, TailOptions{}, func(Line) error { return nil }),
		} {
			if !errors.Is(err, link.ErrNotFound) {
				t.Errorf("%s %s: %v, want ErrNotFound", verb, name, err)
			}
		}
		if err := engine.Retire(t.Context(), name, 0); err != nil {
			t.Errorf("retire %s: %v", name, err)
		}
	}
	if !condition(t, other, foreign.Name).Running {
		t.Error("the other stack's app was stopped")
	}
}

func TestRetire_IsIdempotentAlsoTwiceAtOnce(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if err := engine.Retire(t.Context(), instance.Name, time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := engine.Inspect(t.Context(), instance.Name); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("Inspect() = %v, want ErrNotFound", err)
	}
}

func TestRemoveApp_RemovesOnlyItsOwn(t *testing.T) {
	engine := openTest(t)
	mustStartProxy(t, engine)
	kept := mustStart(t, engine, "kept", dockertest.ServeDockerfile)
	mustStart(t, engine, "gone", dockertest.ServeDockerfile)
	for range 2 {
		if err := engine.RemoveApp(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
	}
	if !condition(t, engine, kept.Name).Running {
		t.Error("another app was removed")
	}
	images, err := engine.link.API(t.Context()).ImageList(t.Context(), imagetypes.ListOptions{All: true, Filters: engine.link.Owned(link.LabelApp + "=gone")})
	if err != nil || len(images) > 0 {
		t.Errorf("images %v, %v", images, err)
	}
	left, err := engine.Networks(t.Context())
	if err != nil || slices.ContainsFunc(left, func(network networks.Network) bool { return network.App == "gone" }) {
		t.Errorf("networks %v, %v", left, err)
	}
	if instances, err := engine.Instances(t.Context()); err != nil || len(instances) != 1 || instances[0].App != "kept" {
		t.Errorf("Instances() = %v, %v", instances, err)
	}
}

func TestTail_GivesTheLastLinesOfBothOutputs(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", command("print 1000"))
	// The engine copies the two outputs side by side, so their order among each
	// other is its own; only all of them together are certain.
	var all []Line
	eventually(t, "all lines are there", func() bool {
		all = tail(t, engine, instance.Name, -1)
		return len(all) == 2000
	})
	outputs := map[bool]int{}
	for _, line := range all {
		outputs[line.Stderr]++
		if line.At.IsZero() || time.Since(line.At) > time.Hour {
			t.Fatalf("line %+v", line)
		}
	}
	if outputs[true] != 1000 || outputs[false] != 1000 {
		t.Errorf("outputs %v", outputs)
	}
	last := tail(t, engine, instance.Name, 500)
	if len(last) != 500 || last[499].At.Before(all[1999].At) {
		t.Errorf("got %d lines, the last %+v; want the last 500 of %+v", len(last), last[len(last)-1], all[1999])
	}
}

func tail(t *testing.T, engine *Engine, name string, count int) (lines []Line) {
	t.Helper()
	err := engine.Tail(t.Context(), name, TailOptions{Lines: count}, func(line Line) error {
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTail_JoinsLongLines(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", command("long 50000"))
	eventually(t, "the line is whole", func() bool {
		var longest int
		err := engine.Tail(t.Context(), instance.Name, TailOptions{Lines: -1}, func(line Line) error {
			longest = max(longest, len(line.Text))
			return nil
		})
		return err == nil && longest == 50000
	})
}

func TestTail_FollowsUntilTheCallbackHasEnough(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	enough := errors.New("enough")
	err := engine.Tail(t.Context(), instance.Name, TailOptions{Lines: -1, Follow: true}, func(line Line) error {
		if strings.Contains(line.Text, "listening on 8000") {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("Tail() = %v", err)
	}
}

func TestTail_FollowEndsWithTheContextAndWithTheInstance(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := engine.Tail(ctx, instance.Name, TailOptions{Follow: true}, func(Line) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Tail() = %v, want the deadline", err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- engine.Tail(t.Context(), instance.Name, TailOptions{Follow: true}, func(Line) error { return nil })
	}()
	time.Sleep(200 * time.Millisecond)
	if err := engine.Retire(t.Context(), instance.Name, 0); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Tail() = %v", err)
		}
	case <-time.After(patience.Of(10 * time.Second)):
		t.Fatal("Tail does not return")
	}
}

func TestUsage_IsMeasuredAtOnce(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	ask(t, engine, instance, "/", "", "")
	began := time.Now()
	usage, err := engine.Usage(t.Context(), instance.Name, Usage{})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > patience.Of(900*time.Millisecond) {
		t.Errorf("took %s", took)
	}
	if usage.MemoryBytes <= 0 || usage.MemoryBytes > 64<<20 || usage.MemoryLimit != 512<<20 || usage.CPUNanos == 0 || usage.At.IsZero() {
		t.Errorf("usage %+v", usage)
	}
	if err := engine.Stop(t.Context(), instance.Name, 0); err != nil {
		t.Fatal(err)
	}
	if usage, err := engine.Usage(t.Context(), instance.Name, Usage{}); err != nil || usage.MemoryBytes != 0 {
		t.Errorf("stopped: %+v, %v", usage, err)
	}
}

func TestWatch_TellsWhatHappensToTheStackAndToNoOther(t *testing.T) {
	engine, other := openTest(t), openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	var mutex sync.Mutex
	seen := map[string]bool{}
	ended := make(chan error, 1)
	go func() {
		ended <- engine.Watch(ctx, func(event Event) {
			mutex.Lock()
			defer mutex.Unlock()
			seen[fmt.Sprintf("%s %s %s%s r%d", event.Role, event.App, event.Action, event.Health, event.Release)] = true
		})
	}()
	time.Sleep(300 * time.Millisecond)
	mustStartProxy(t, engine)
	mustStart(t, other, "foreign", dockertest.ServeDockerfile)
	instance := mustStart(t, engine, "hello",
		"FROM scratch\nCOPY app /app\nHEALTHCHECK --interval=200ms CMD [\"/app\", \"health\"]\nCMD [\"/app\"]\n")
	eventually(t, "the app is healthy", func() bool { return condition(t, engine, instance.Name).Health == "healthy" })
	if err := engine.Retire(t.Context(), instance.Name, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removal is seen", func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		return seen["app hello destroy r1"]
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch() = %v", err)
	}
	for _, want := range []string{"proxy stand-in start r1", "app hello start r1", "app hello health_statushealthy r1", "app hello die r1"} {
		if !seen[want] {
			t.Errorf("%q was not seen in %v", want, seen)
		}
	}
	for event := range seen {
		if strings.Contains(event, "foreign") {
			t.Errorf("saw %s of another stack", event)
		}
	}
}
