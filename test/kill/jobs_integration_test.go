//go:build integration

package kill

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	_ "github.com/mattn/go-sqlite3" // for the check of the ledger's file

	"berth/test/patience"
)

// jobs are what Berth does beside releases. Each is done to an app that is live.
var jobs = []deed{
	{"clean-up", true, (*house).cleanUp},
	{"backup", true, (*house).backUp},
	{"volume upload", true, (*house).uploadFile},
	{"proxy settings", true, (*house).changeProxy},
}

// cleanUp removes the images of all releases but the live one, by a rule that holds for this once.
func (h *house) cleanUp(_ form, _ int) error {
	keep := func(releases int) error {
		return h.send(http.MethodPatch, "/disks", fmt.Sprintf(`{"releases": %d}`, releases), nil)
	}
	err := keep(1)
	if err == nil {
		err = h.send(http.MethodPost, "/disks/clean", "", nil)
	}
	if err == nil {
		err = h.ended("/disks", `"running":false`)
	}
	if err == nil {
		err = keep(5)
	}
	return err
}

func (h *house) backUp(_ form, _ int) error {
	if err := h.send(http.MethodPost, "/backups", "{}", nil); err != nil {
		return err
	}
	return h.ended("/backups", `"progress":null`)
}

func (h *house) uploadFile(_ form, round int) error {
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, h.Admin+"/api/v1/volumes/data/files/page.txt", strings.NewReader(version(round)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+h.token)
	client := h.AdminClient()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("upload: %s", response.Status)
	}
	return nil
}

// changeProxy changes what the proxy reads at its start, as a change of the certificate authority does: the settings, the
// proxy's file, and a restart of the proxy.
func (h *house) changeProxy(_ form, round int) error {
	wanted := fmt.Sprintf("10.9.8.%d", 1+round%250)
	if err := h.send(http.MethodPatch, "/proxy", fmt.Sprintf(`{"trusted_proxies": %q}`, wanted), nil); err != nil {
		return err
	}
	var answer struct {
		Trusted string `json:"trusted_proxies"`
	}
	if err := h.send(http.MethodGet, "/proxy", "", &answer); err != nil {
		return err
	}
	if !strings.Contains(answer.Trusted, wanted) {
		return fmt.Errorf("trusted are %q, not %s", answer.Trusted, wanted)
	}
	return nil
}

// ended waits until the answer has the words, and stops with the server.
func (h *house) ended(path, words string) error {
	var err error
	ended := patience.Eventually(time.Minute, func() bool {
		var answer jsonText
		err = h.send(http.MethodGet, path, "", &answer)
		return err != nil || strings.Contains(string(answer), words)
	})
	if err == nil && !ended {
		err = fmt.Errorf("%s does not end", path)
	}
	return err
}

// jsonText is an answer as it came.
type jsonText string

// UnmarshalJSON keeps the text without spaces.
func (j *jsonText) UnmarshalJSON(text []byte) error {
	*j = jsonText(strings.Join(strings.Fields(string(text)), ""))
	return nil
}

// giveJobs makes the volume and the place for backups that jobs work with; with drills, backups can be proven.
func (h *house) giveJobs(t *testing.T, drills bool) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(h.folder, "backups")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, call := range [][3]string{
		{http.MethodPost, "/volumes", `{"name": "data"}`},
		{http.MethodPut, "/backups/settings", fmt.Sprintf(`{"folder": %q, "recipients": %q, "drill": %t, "keep": {"daily": 7}}`, place, identity.Recipient(), drills)},
	} {
		if err := h.send(call[0], call[1], call[2], nil); err != nil {
			t.Fatalf("%v\n%s", err, h.Log())
		}
	}
}

// TestKill_AtAJobLeavesTheOldStateOrTheNew kills the process at calls of clean-ups, backups, uploads into volumes and changes of the proxy. The
// next process ends the job or gives it up, and can do it again.
func TestKill_AtAJobLeavesTheOldStateOrTheNew(t *testing.T) {
	h := newHouse(t)
	h.giveJobs(t, false)
	for _, job := range jobs {
		t.Run(job.name, func(t *testing.T) {
			k := &killing{house: h, form: forms[0], deed: job}
			k.before = func() error { // an image that is to be cleaned up
				if err := k.clean(); err != nil { // the release before has ended
					return err
				}
				k.round++
				return h.upload("", k.form.files(h, version(k.round)))
			}
			killed := 0
			for try := 0; try < 3 && killed == 0; try++ { // the first round has more to do than the next
				killed = k.run(t)
			}
			if killed == 0 {
				t.Error("it was not killed")
			}
			h.sound(t)
			if err := job.do(h, k.form, k.round+1); err != nil {
				t.Errorf("again: %v\n%s", err, h.Log())
			}
			if left := h.leftovers(); len(left) > 0 {
				t.Errorf("left after it was done again: %q", left)
			}
		})
	}
}

// sound fails the test where the ledger is torn or the audit log's chain is broken.
func (h *house) sound(t *testing.T) {
	t.Helper()
	raw, err := sql.Open("sqlite3", filepath.Join(h.Data(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var verdict string
	if err := raw.QueryRowContext(context.Background(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the ledger: %s, %v", verdict, err)
	}
	if out, err := h.Command("server", "audit", "verify").CombinedOutput(); err != nil {
		t.Errorf("the audit log: %v\n%s", err, out)
	}
}
