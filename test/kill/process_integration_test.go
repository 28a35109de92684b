//go:build integration

package kill

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"berth/test/stack"
)

// house is a Berth that runs as a child of the test, with a door to the engine.
type house struct {
	*stack.Process
	t      *testing.T
	folder string
	door   *door
	token  string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	place, err := stack.Reserve("berth-kill")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, folder: t.TempDir()}
	socket := filepath.Join(h.folder, "door.sock")
	if h.Process, err = stack.NewProcess(place, h.folder, socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Remove)
	h.door = open(t, socket)
	h.start()
	t.Cleanup(h.Kill)
	if err := h.StartProxy(); err != nil {
		t.Fatal(err)
	}
	if h.token, err = h.Token("admin"); err != nil {
		t.Fatal(err)
	}
	return h
}

// start starts the process and waits until it answers.
func (h *house) start() {
	h.t.Helper()
	if err := h.Start(); err != nil {
		h.t.Fatal(err)
	}
}

// revive starts the process again where a failure has ended it.
func (h *house) revive() {
	h.t.Helper()
	if h.ID() == 0 {
		h.start()
	}
}

// send asks the API; anything but success fails the test.
func (h *house) send(method, path, body string, out any) error {
	status, err := h.Send(h.t.Context(), h.token, method, "/api/v1"+path, body, out)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %d", method, path, status)
	}
	return err
}

func (h *house) upload(route string, files map[string][]byte) error {
	return h.Deploy(h.t.Context(), h.token, "book", route, files)
}
