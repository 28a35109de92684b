package router

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller/audit"
)

func TestAPIRun_SendsWhatACommandPrintsAndHowItEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for body, want := range map[string]string{
		`{"command": ["echo", "--key=canary"]}`:               `{"text":"echo"}` + "\n" + `{"text":"--key=canary","stderr":true}` + "\n" + `{"text":"","exit":0}` + "\n",
		`{"command": ["false"], "service": "db"}`:             `{"text":"false"}` + "\n" + `{"text":"","exit":3,"out_of_memory":true}` + "\n",
		`{"command": ["late"], "minutes": 5}`:                 `{"text":"late"}` + "\n" + `{"text":"","problem":"The command did not end within 60 minutes.","hint":"Make it shorter."}` + "\n",
		`{"command": ["broken"], "minutes": 1440}`:            `{"text":"broken"}` + "\n" + `{"text":"","problem":"`,
		`{"command": ["/bin/sh", "-c", "x"], "minutes": 120}`: `{"text":"/bin/sh"}`,
	} {
		answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/run", body)
		if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.body, want) || answer.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
		if strings.Contains(answer.body, "socket") {
			t.Errorf("%s tells what people need not know: %s", body, answer.body)
		}
	}
	for _, event := range s.audit.recorded() {
		if event.Action != audit.ActionAppRun || event.Resource != "app hello" || strings.Contains(event.Detail, "canary") || strings.Contains(event.Detail, "-c") || event.Detail == "" {
			t.Errorf("recorded %+v", event)
		}
	}
}

func TestAPIRun_RefusesBeforeItBeginsWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for body, want := range map[string][]string{
		`{"minutes": -1}`:                     {`"command"`, `"minutes"`, "There is no command", "1 to 1440 minutes"},
		`{"command": [""], "minutes": 2000}`:  {"The command has no program", "1 to 1440 minutes"},
		`{"command": "ls"}`:                   {"rake"},
		`{"command": ["missing"]}`:            {"The program missing is not in the image."},
		`{"command": ["a"], "shell": "bash"}`: {"rake"},
	} {
		answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/run", body)
		if answer.StatusCode < http.StatusBadRequest {
			t.Errorf("%s: %d", body, answer.StatusCode)
		}
		mustContain(t, answer.body, want...)
	}
	if answer := s.bearer(readToken, http.MethodPost, "/api/v1/apps/hello/run", `{"command": ["ls"]}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a token that only reads: %d", answer.StatusCode)
	}
}

func TestAPIRun_EndsTheCommandWithItsRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	ctx, cancel := context.WithCancel(t.Context())
	request := s.request(http.MethodPost, "/api/v1/apps/hello/run", strings.NewReader(`{"command": ["wait"]}`)).WithContext(ctx)
	request.Header.Set("Authorization", "Bearer "+deployToken)
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	cancel()
	select {
	case <-s.commands.left:
	case <-time.After(10 * time.Second):
		t.Fatal("the command goes on")
	}
}
