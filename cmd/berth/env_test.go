package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// runEnvAgainst runs berth env hello with the words, against an API that answers
// each request with the answer, and returns what was sent and printed.
func runEnvAgainst(t *testing.T, answer string, words ...string) (sent, printed string) {
	t.Helper()
	var asked strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.WriteString(r.Method + " " + r.URL.Path + " " + string(body) + "\n")
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	var out strings.Builder
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	if err := run(t.Context(), append([]string{"env", "hello"}, words...), environment, &out, &out); err != nil {
		t.Fatal(err)
	}
	return asked.String(), out.String()
}

func TestEnv_ListsNamesAndNoSecret(t *testing.T) {
	t.Parallel()
	sent, printed := runEnvAgainst(t, `{"variables":{"MODE":"a\nb"},"secrets":["DB"],"unapplied":{"added":["DB"]},"warnings":{"PATH":"It does things."}}`, "list")
	if sent != "GET /api/v1/apps/hello/environment \n" {
		t.Errorf("sent %q", sent)
	}
	for _, want := range []string{"DB    [secret]  not applied", `MODE  "a\nb"    applied`, "Warning: PATH: It does things.", "Not applied yet: 1. Run berth env apply hello."} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in %s", want, printed)
		}
	}
}

func TestEnv_SendsWhatTheWordsSay(t *testing.T) {
	t.Parallel()
	value := writeFile(t, "value", "line one\nline two\n")
	text := writeFile(t, ".env", "# of the shop\nA='b c' # d\nexport B=${X}\n")
	for want, words := range map[string][]string{
		`{"variables":{"A":"b=c","B":""}}`:         {"set", "A=b=c", "B="},
		`{"secrets":{"KEY":"line one\nline two"}}`: {"set-secret", "KEY", "--file", value},
		`{"variables":{"A":"b"},"build":["A"]}`:    {"set", "--build", "A=b"},
		`{"variables":{"A":"b"},"build":[]}`:       {"set", "--build=false", "A=b"},
		`{"remove":["A","B"]}`:                     {"unset", "A", "B"},
		`{"secrets":{"A":"b c","B":"${X}"}}`:       {"import", text},
		`{"variables":{"A":"b c","B":"${X}"}}`:     {"import", "--variables", text},
	} {
		sent, printed := runEnvAgainst(t, `{"secrets":["KEY"]}`, words...)
		if sent != "PATCH /api/v1/apps/hello/environment "+want+"\n" {
			t.Errorf("%q sent %q", words, sent)
		}
		if strings.Contains(printed, "line one") {
			t.Errorf("%q printed the secret: %s", words, printed)
		}
	}
}

func TestEnv_BuildIsForPlainVariablesAlone(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"env", "hello", "set-secret", "KEY", "--build", "--file", writeFile(t, "value", "hush")}, []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=http://127.0.0.1:1"}, io.Discard, io.Discard)
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--mount=type=secret") {
		t.Errorf("got %v", err)
	}
	_, printed := runEnvAgainst(t, `{"variables":{"MODE":"x"},"build":["MODE"],"secrets":[]}`, "list")
	if !strings.Contains(printed, "applied, also at build") {
		t.Errorf("printed %s", printed)
	}
}

func TestEnv_ApplySaysWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	sent, printed := runEnvAgainst(t, `{"variables":{}}`, "apply")
	if sent != "POST /api/v1/apps/hello/environment/apply \n" || printed != "There was nothing to apply.\n" {
		t.Errorf("sent %q, printed %q", sent, printed)
	}
}

func TestEnv_ApplyFollowsTheRelease(t *testing.T) {
	t.Parallel()
	_, printed := runEnvAgainst(t, `{"app":"hello","number":3,"state":"live"}`, "apply")
	if !strings.HasSuffix(printed, "hello r3 is live with it.\n") {
		t.Errorf("printed %q", printed)
	}
}
