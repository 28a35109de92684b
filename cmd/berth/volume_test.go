package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestVolume_ListsAndChangesAQuota(t *testing.T) {
	t.Parallel()
	const data = `{"name":"data","stored_bytes":12884901888,"quota":10737418240,"quota_is_default":true,"stops_apps_at":"2026-12-06T12:00:00Z","users":["hello","other"]}`
	var asked strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.WriteString(strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body)))
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"volumes":[`+data+`,{"name":"logs","stored_bytes":null,"quota":21474836480,"users":[]}]}`)
			return
		}
		_, _ = io.WriteString(w, data)
	}))
	defer server.Close()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	for _, test := range []struct {
		words        []string
		asked, wrote string
	}{
		{nil, "GET /api/v1/volumes", "logs    not counted  20g"},
		{[]string{"list"}, "GET /api/v1/volumes", "data    12g          10g (default)  hello, other"},
		{[]string{"quota", "data", "20g"}, `POST /api/v1/volumes/data/quota {"quota":"20g"}`, "data    12g"},
		{[]string{"quota", "data", "default"}, `POST /api/v1/volumes/data/quota {"quota":""}`, "data    12g"},
	} {
		asked.Reset()
		var out, notes strings.Builder
		if err := run(t.Context(), append([]string{"volume"}, test.words...), environment, &out, &notes); err != nil {
			t.Fatal(err)
		}
		if asked.String() != test.asked || !strings.Contains(out.String(), test.wrote) {
			t.Errorf("%q asked %q and wrote\n%s", test.words, asked.String(), out.String())
		}
		if !strings.Contains(notes.String(), "Warning: data is over its quota: what writes into it is stopped at 2026-12-06T12:00:00Z.") {
			t.Errorf("noted %q", notes.String())
		}
	}
}

func TestVolume_RefusesWhatIsNoQuotaBeforeItAsks(t *testing.T) {
	t.Parallel()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=http://127.0.0.1:1"}
	for want, words := range map[string][]string{
		"is not a quota":      {"quota", "data", "1m"},
		"is not a name for":   {"quota", "Data!", "20g"},
		"berth volumes takes": {"quota", "data"},
		"see berth help volu": {"remove", "data"},
	} {
		var out, notes strings.Builder
		err := run(t.Context(), append([]string{"volume"}, words...), environment, &out, &notes)
		if err == nil || !strings.Contains(err.Error()+notes.String(), want) {
			t.Errorf("%q: %v, %s", words, err, notes.String())
		}
	}
}
