package probe

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestProbe_TellsWhatAnswersFromWhatDoesNot(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	socket := filepath.Join(t.TempDir(), "engine.sock")
	opened, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	results := ask(t, []Try{
		{App, "open", listener.Addr().String()},
		{App, "closed", closed.Addr().String()},
		{Broker, "socket", Socket(socket)},
		{Broker, "no socket", Socket(socket + "x")},
		{Host, "nonsense", "nonsense"},
	})
	for i, want := range []bool{true, false, true, false, false} {
		if results[i].Reached != want {
			t.Errorf("%s: reached %v, want %v", results[i].Target, results[i].Reached, want)
		}
	}
}

func TestProbe_TakesNoAnswerForOtherTries(t *testing.T) {
	t.Parallel()
	tries := []Try{{App, "shop", "10.0.0.2:80"}}
	results, err := Ask(io.Discard, strings.NewReader(`{"results":[{"kind":"host","target":"<b>","address":"x","reached":true}]}`), tries)
	if err != nil || results[0].Try != tries[0] || !results[0].Reached {
		t.Errorf("got %v, %v", results, err)
	}
	if _, err := Ask(io.Discard, strings.NewReader(`{"results":[]}`), tries); err == nil {
		t.Error("an answer without the results was taken")
	}
	if _, err := Ask(io.Discard, strings.NewReader(``), make([]Try, Most+1)); err == nil {
		t.Error("more tries than one probe takes were asked")
	}
}

// ask runs a probe as its helper does.
func ask(t *testing.T, tries []Try) []Result {
	t.Helper()
	requests, toProbe := io.Pipe()
	fromProbe, answers := io.Pipe()
	go func() { _ = answers.CloseWithError(Serve(t.Context(), requests, answers)) }()
	results, err := Ask(toProbe, fromProbe, tries)
	if err != nil {
		t.Fatal(err)
	}
	return results
}
