package traefik

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeProxy answers for both entry points.
func fakeProxy(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := NewClient(server.URL, server.URL, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestNewClient_RefusesAddressesThatAreMoreThanHostAndPort(t *testing.T) {
	for _, address := range []string{"", "10.0.0.2:8080", "https://10.0.0.2", "http://", "http://a/b", "http://u:p@a", "http://a?b", "unix:///run/x.sock"} {
		if _, err := NewClient(address, "http://10.0.0.2:8081", ""); err == nil {
			t.Errorf("%q was taken as API", address)
		}
		if _, err := NewClient("http://10.0.0.2:8080", address, ""); err == nil {
			t.Errorf("%q was taken as verify entry point", address)
		}
	}
}

func TestProbe_FollowsNoRedirect(t *testing.T) {
	var calls atomic.Int32
	client := fakeProxy(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set(releaseHeader, "hello-r3")
		w.Header().Set("Location", "/again")
		w.WriteHeader(http.StatusFound)
	})
	status, err := client.Probe(t.Context(), helloTarget(t), "/")
	if status != http.StatusFound || err != nil || calls.Load() != 1 {
		t.Errorf("status %d, error %v, %d calls", status, err, calls.Load())
	}
}

func TestProbe_PathCannotChangeWhereTheCallGoes(t *testing.T) {
	var seen atomic.Value
	client := fakeProxy(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Host + " " + r.URL.String())
		w.Header().Set(releaseHeader, "hello-r3")
	})
	for path, want := range map[string]string{
		"/health":        "/health",
		"//192.0.2.1/x":  "//192.0.2.1/x",
		"/x?y#z":         "/x%3Fy%23z",
		"/@192.0.2.1:80": "/@192.0.2.1:80",
	} {
		if _, err := client.Probe(t.Context(), helloTarget(t), path); err != nil {
			t.Fatal(err)
		}
		if got := seen.Load(); got != "r3.hello.berth.internal "+want {
			t.Errorf("%s became %v", path, got)
		}
	}
	if _, err := client.Probe(t.Context(), helloTarget(t), "@192.0.2.1/"); err == nil {
		t.Error("a path without a slash was taken")
	}
}

func TestProbe_DoesNotReadAnEndlessAnswer(t *testing.T) {
	client := fakeProxy(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(releaseHeader, "hello-r3")
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	start := time.Now()
	if status, err := client.Probe(t.Context(), helloTarget(t), "/"); status != http.StatusOK || err != nil {
		t.Errorf("status %d, error %v", status, err)
	}
	if took := time.Since(start); took > requestTimeout/2 {
		t.Errorf("took %v", took)
	}
}

func TestProbe_KeepsItsConnection(t *testing.T) {
	connections := make(map[string]bool)
	client := fakeProxy(t, func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.Header().Set(releaseHeader, "hello-r3")
		_, _ = w.Write(make([]byte, maxProbeBytes/2))
	})
	for range 5 {
		if _, err := client.Probe(t.Context(), helloTarget(t), "/"); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections", len(connections))
	}
}

func TestConfirm_SaysWhatIsMissingWhenItsContextEnds(t *testing.T) {
	client := fakeProxy(t, http.NotFound)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := client.Confirm(ctx, Table{Targets: []Target{helloTarget(t)}})
	if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "hello-0-web") {
		t.Errorf("error %v", err)
	}
}

func TestConfirm_AsksAtOnceAndThenLessAndLessOften(t *testing.T) {
	var calls atomic.Int32
	client := fakeProxy(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.NotFound(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = client.Confirm(ctx, Table{Targets: []Target{helloTarget(t)}})
	if got := calls.Load(); got > 20 {
		t.Errorf("asked %d times in a second", got)
	}
	calls.Store(0)
	gone, cancelGone := context.WithTimeout(t.Context(), time.Second)
	defer cancelGone()
	if err := client.ConfirmGone(gone, helloTarget(t)); err != nil || calls.Load() != 1 {
		t.Errorf("error %v after %d calls", err, calls.Load())
	}
}
