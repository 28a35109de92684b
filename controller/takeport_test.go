package controller_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
)

func TestPort_ThatNobodyNamedAndThatAloneAnswersIsTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.bare.set(true)
	h.engine.listens.set([]string{"0.0.0.0:5000", "127.0.0.1:9000", "[::]:6000"})
	h.proxy.onTarget.set(func(address string) int {
		if strings.HasSuffix(address, ":5000") {
			return 200
		}
		return 502
	})
	release := h.deploy("hello")
	if release.State != app.ReleaseLive || release.Settings.Port != 5000 || !strings.HasSuffix(release.Address, ":5000") {
		t.Fatalf("release is %+v", release)
	}
	view, err := h.App(t.Context(), "hello")
	if err != nil || view.Settings.Port != 5000 {
		t.Errorf("the app has %+v, %v", view.Settings, err)
	}
	log, err := h.ReleaseLog(release.ReleaseID)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || !strings.Contains(string(text), "port 5000") {
		t.Errorf("the log is %s, %v", text, err)
	}
}

func TestPort_ThatTheImageNamesIsNotLeft(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.listens.set([]string{"0.0.0.0:5000"})
	h.proxy.onTarget.set(func(address string) int {
		if strings.HasSuffix(address, ":5000") {
			return 200
		}
		return 502
	})
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	h.staysOnItsPort(release.ReleaseID)
}

// quietFile is a compose app whose main service says nothing of a port.
const quietFile = `
services:
  web: {build: ./web, labels: {berth.main_service: "true"}}
  store: {build: ./store}
`

func TestPort_OfAComposeAppThatNobodyNamedIsTakenForItsMainService(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.bare.set(true)
	h.engine.listens.set([]string{"0.0.0.0:5000", "127.0.0.1:9000"})
	h.proxy.onTarget.set(func(address string) int {
		if strings.HasSuffix(address, ":5000") {
			return 200
		}
		return 502
	})
	route, err := h.Routing().ParseRoute("/book")
	if err != nil {
		t.Fatal(err)
	}
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", quietFile), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	release = h.live(release)
	if release.Settings.Port != 5000 || !strings.HasSuffix(release.Address, ":5000") || !strings.Contains(h.log(release), "port 5000 answers") {
		t.Fatalf("release is %+v\n%s", release, h.log(release))
	}
	for _, run := range release.Services {
		if want := map[string]uint16{"web": 5000}[run.Spec.Name]; run.Spec.Port != want {
			t.Errorf("%s is recorded with port %d, want %d", run.Spec.Name, run.Spec.Port, want)
		}
	}
	second := h.live(h.updateBook("compose.yaml", quietFile))
	if log := h.log(second); !strings.HasSuffix(second.Address, ":5000") || strings.Contains(log, "port 5000 answers") {
		t.Errorf("the next release found its port anew:\n%s", log)
	}
	back, err := h.Rollback(t.Context(), "book", release.Number, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back = h.live(back); !strings.HasSuffix(back.Address, ":5000") {
		t.Errorf("rolled back to %s", back.Address)
	}
}

func TestPort_ThatAComposeFileNamesIsNotLeft(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.bare.set(true)
	h.engine.listens.set([]string{"0.0.0.0:5000"})
	h.proxy.onTarget.set(func(address string) int {
		if strings.HasSuffix(address, ":5000") {
			return 200
		}
		return 502
	})
	route, err := h.Routing().ParseRoute("/book")
	if err != nil {
		t.Fatal(err)
	}
	named := strings.Replace(quietFile, "{build: ./web,", `{build: ./web, expose: ["8000"],`, 1)
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", named), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.staysOnItsPort(release.ReleaseID)
}

// staysOnItsPort expects the log to name port 5000, and the release to go on waiting for
// port 8000, which was asked for. It cancels the release.
func (h *house) staysOnItsPort(id app.ReleaseID) {
	h.t.Helper()
	h.eventually("the log to name the port", func() bool {
		log, err := h.ReleaseLog(id)
		if err != nil {
			return false
		}
		defer log.Close()
		text, err := io.ReadAll(log)
		return err == nil && strings.Contains(string(text), "listens on port 5000, not on port 8000")
	})
	time.Sleep(3 * time.Second)
	if now, err := h.Release(h.t.Context(), id); err != nil || !strings.HasSuffix(now.Address, ":8000") {
		h.t.Errorf("it is at %s, %v", now.Address, err)
	}
	if err := h.Cancel(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
}
