//go:build integration

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/test/claim"
	"berth/test/patience"
)

// prometheusProgram is a program of Debian's package, which scripts/prometheus-tools loads.
func prometheusProgram(t *testing.T, name string) string {
	t.Helper()
	folder := cmp.Or(os.Getenv("BERTH_TEST_PROMETHEUS"), filepath.Join(berth.Repository(), ".cache", "prometheus"))
	program := filepath.Join(folder, "usr", "bin", name)
	if _, err := os.Stat(program); err != nil {
		if out, err := exec.CommandContext(t.Context(), filepath.Join(berth.Repository(), "scripts", "prometheus-tools")).CombinedOutput(); err != nil {
			t.Fatalf("scripts/prometheus-tools: %v\n%s", err, out)
		}
	}
	return program
}

// startPrometheus runs Debian's Prometheus in the test, which scrapes Berth each second, and
// returns the address of its API.
func startPrometheus(t *testing.T, token string) string {
	t.Helper()
	program, folder := prometheusProgram(t, "prometheus"), t.TempDir()
	admin, err := url.Parse(berth.Admin)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + ports[0]
	config := fmt.Sprintf(`{"scrape_configs": [{"job_name": "berth", "scheme": "https", "scrape_interval": "1s", "scrape_timeout": "1s",
		"authorization": {"credentials": %q}, "tls_config": {"insecure_skip_verify": true}, "static_configs": [{"targets": [%q]}]}]}`, token, admin.Host)
	file := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	command := exec.CommandContext(t.Context(), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%.8000s", log.String())
		}
	})
	return "http://" + address
}

// query returns the value of a query; false where it has none.
func query(t *testing.T, prometheus, expression string) (value string, ok bool) {
	t.Helper()
	response, err := http.Get(prometheus + "/api/v1/query?" + url.Values{"query": {expression}}.Encode())
	if err != nil {
		return "", false
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Data.Result) == 0 {
		return "", false
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1]), true
}

func TestMetrics_DebiansPrometheusScrapesThemAndPromtoolFindsNoFault(t *testing.T) {
	o := newOperator(t)
	o.deploy("measured", "", "v1")
	for range 5 {
		if response, err := http.Get(berth.Apps + "/measured/"); err == nil {
			_ = response.Body.Close()
		}
	}
	token, err := berth.Token("metrics")
	if err != nil {
		t.Fatal(err)
	}
	if status, err := berth.API(t.Context(), token, http.MethodGet, "/api/v1/apps", nil); err != nil || status != http.StatusForbidden {
		t.Errorf("the token reads apps: %d, %v", status, err)
	}
	prometheus := startPrometheus(t, token)
	missing := []string{
		`up{job="berth"} == 1`,
		`berth_app_memory_bytes{app="measured"} > 0`,
		`berth_app_requests_total{app="measured",class="2xx"} >= 5 < 10`, // Berth itself looks at an app's first page
		`berth_app_request_duration_seconds_count{app="measured"} >= 5`,
		`berth_server_memory_size_bytes > berth_server_memory_used_bytes`,
	}
	if !patience.Eventually(80*time.Second, func() bool {
		missing = slices.DeleteFunc(missing, func(expression string) bool {
			_, ok := query(t, prometheus, expression)
			return ok
		})
		return len(missing) == 0
	}) {
		t.Errorf("Prometheus finds nothing for %q", missing)
	}
	lint(t, token)
}

// lint has promtool read what Berth tells.
func lint(t *testing.T, token string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Admin+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := berth.AdminClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	check := exec.CommandContext(t.Context(), prometheusProgram(t, "promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(text.String())
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s\n%s", err, out, text.String())
	}
}
