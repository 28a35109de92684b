package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berth/test/patience"
)

func TestStatic_ServesTheFolderOnItsPortUntilItIsStopped(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	claimed := claimAddress(t)
	_, port, err := net.SplitHostPort(claimed)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"static", "--folder", folder, "--fallback"}, []string{"PORT=" + port}, io.Discard, io.Discard)
	}()
	address := "http://" + claimed + "/any/path"
	deadline := time.Now().Add(patience.Of(5 * time.Second))
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK || string(text) != "hello" {
				t.Errorf("%s %q", response.Status, text)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStatic_RefusesAPortThatIsNone(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"PORT=0", "PORT=-1", "PORT=65536", "PORT=http", "PORT=8000 "} {
		err := run(t.Context(), []string{"static", "--folder", t.TempDir()}, []string{port}, io.Discard, io.Discard)
		if usage, ok := errors.AsType[*usageError](err); !ok {
			t.Errorf("%s: %v", port, usage)
		}
	}
	if err := run(t.Context(), []string{"static", "--folder", filepath.Join(t.TempDir(), "none")}, nil, io.Discard, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
