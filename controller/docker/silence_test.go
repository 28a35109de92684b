package docker

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

const shortSilence = 300 * time.Millisecond

// opened is dockertest.Hanging, with the beginning of an answer.
func opened(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	dockertest.Hanging(w, r)
}

func someInstance() http.HandlerFunc {
	return dockertest.AnswerJSON(container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{ID: "one", Name: "/one", State: &container.State{}, HostConfig: &container.HostConfig{}},
		Config:            &container.Config{Labels: map[string]string{link.LabelStack: link.DefaultStack, link.LabelRole: link.RoleApp}},
		NetworkSettings:   &container.NetworkSettings{},
	})
}

// inTime returns what work does, which must not take long.
func inTime(t *testing.T, work func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := work(ctx)
	if ctx.Err() != nil {
		t.Fatal("it hangs")
	}
	return err
}

func none(Line) error { return nil }

func TestTail_EndsWhereTheEngineGivesNoOutputThatItHas(t *testing.T) {
	for name, logs := range map[string]http.HandlerFunc{"no answer": dockertest.Hanging, "no end": opened} {
		engine, _ := openFake(t, map[string]http.HandlerFunc{"GET /containers/one/json": someInstance(), "GET /containers/one/logs": logs})
		engine.patience = shortSilence
		err := inTime(t, func(ctx context.Context) error { return engine.Tail(ctx, "one", TailOptions{Lines: 10}, none) })
		if !errors.Is(err, link.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTail_FollowsASilentInstanceAsLongAsTheEngineAnswersForIt(t *testing.T) {
	var asked atomic.Int32
	inspect := func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 5 {
			dockertest.Hanging(w, r)
			return
		}
		someInstance()(w, r)
	}
	engine, _ := openFake(t, map[string]http.HandlerFunc{"GET /containers/one/json": inspect, "GET /containers/one/logs": opened})
	engine.patience = shortSilence
	err := inTime(t, func(ctx context.Context) error { return engine.Tail(ctx, "one", TailOptions{Follow: true}, none) })
	if !errors.Is(err, link.ErrUnavailable) || asked.Load() != 6 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

func TestTail_ASlowReaderIsNoSilence(t *testing.T) {
	logs := func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = w.Write([]byte("\x01\x00\x00\x00\x00\x00\x00\x212026-11-29T10:00:00.000000000Z a\n"))
			_ = http.NewResponseController(w).Flush()
		}
	}
	engine, _ := openFake(t, map[string]http.HandlerFunc{"GET /containers/one/json": someInstance(), "GET /containers/one/logs": logs})
	engine.patience = shortSilence
	err := inTime(t, func(ctx context.Context) error {
		return engine.Tail(ctx, "one", TailOptions{Lines: 10}, func(Line) error {
			time.Sleep(3 * shortSilence)
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWatch_EndsWhereTheEngineIsSilentAndDoesNotAnswer(t *testing.T) {
	engine, fake := openFake(t, map[string]http.HandlerFunc{"GET /events": opened})
	engine.patience = shortSilence
	if err := engine.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(4*shortSilence, fake.Hang)
	err := inTime(t, func(ctx context.Context) error { return engine.Watch(ctx, func(Event) {}) })
	if !errors.Is(err, link.ErrUnavailable) || !fake.WasAsked("GET /events") {
		t.Error(err)
	}
}
