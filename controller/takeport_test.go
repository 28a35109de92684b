package controller_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
)

func TestPort_ThatNobodyNamedAndThatAloneAnswersIsTaken(t *testing.T) {
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
	h.eventually("the log to name the port", func() bool {
		log, err := h.ReleaseLog(release.ReleaseID)
		if err != nil {
			return false
		}
		defer log.Close()
		text, err := io.ReadAll(log)
		return err == nil && strings.Contains(string(text), "listens on port 5000, not on port 8000")
	})
	time.Sleep(3 * time.Second)
	if now, err := h.Release(t.Context(), release.ReleaseID); err != nil || !strings.HasSuffix(now.Address, ":8000") {
		t.Errorf("it is at %s, %v", now.Address, err)
	}
	if err := h.Cancel(t.Context(), release.ReleaseID); err != nil {
		t.Fatal(err)
	}
}
