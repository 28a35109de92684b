package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"berth/test/stack"
)

const (
	benchPassword  = "Bench-only-passphrase-7"
	dashboardGoal  = 10 * time.Millisecond
	memoryGoal     = 50 // MB
	cpuGoal        = 0.5
	dashboardLoads = 200
	settleTime     = 5 * time.Second // after the deployments before
	restTime       = 60 * time.Second
	restingApps    = 20
)

// measureDashboard: the page with 1, 20 and many apps, with one app that hangs,
// and what Berth takes at rest with 20.
func (b *bench) measureDashboard() error {
	page, err := b.signIn()
	if err != nil {
		return err
	}
	var have int
	for _, count := range []int{1, restingApps, b.apps} {
		if count > b.apps {
			continue
		}
		for ; have < count; have++ {
			_, archive, version, err := b.content()
			if err != nil {
				return err
			}
			name := fmt.Sprintf("many-%d", have)
			if _, _, err := b.deploy(name, "/"+name, version, archive); err != nil {
				return err
			}
		}
		if err := b.loads(page, fmt.Sprintf("dashboard with %d apps", count)); err != nil {
			return err
		}
		if count == restingApps {
			if err := b.measureRest(); err != nil {
				return err
			}
		}
	}
	files, err := b.stack.AppFiles("hang", "v1")
	if err != nil {
		return err
	}
	archive, err := stack.Zip(files)
	if err != nil {
		return err
	}
	response, err := b.stack.Upload(b.ctx, b.stack.AdminClient(), b.token, "hangs", "/hangs", "app.zip", archive)
	if err != nil {
		return err
	}
	response.Body.Close()
	return b.loads(page, fmt.Sprintf("dashboard with %d apps and one that hangs", b.apps))
}

func (b *bench) loads(page *http.Client, what string) error {
	if err := b.pause(settleTime); err != nil {
		return err
	}
	var took []time.Duration
	for range dashboardLoads {
		began := time.Now()
		if status := get(b.ctx, page, b.stack.Pages+"/admin"); status != http.StatusOK {
			return fmt.Errorf("the dashboard answered %d", status)
		}
		took = append(took, time.Since(began))
	}
	slow := quantile(took, 0.95)
	b.report(slow < dashboardGoal, "%s: p95 %s, median %s (goal p95 %s)", what, milliseconds(slow), milliseconds(median(took)), dashboardGoal)
	return nil
}

// measureRest: what the controller's process takes when nothing happens.
func (b *bench) measureRest() error {
	if err := b.pause(40 * time.Second); err != nil { // until nobody looks at pages any more
		return err
	}
	pid, err := stack.Docker("inspect", "--format", "{{.State.Pid}}", b.stack.Controller())
	if err != nil {
		return err
	}
	before, err := ticks(pid)
	if err != nil {
		return err
	}
	if err := b.pause(restTime); err != nil {
		return err
	}
	after, err := ticks(pid)
	if err != nil {
		return err
	}
	memory, err := residentMegabytes(pid)
	if err != nil {
		return err
	}
	percent := float64(after-before) / restTime.Seconds() // a tick is a hundredth of a second
	b.report(memory < memoryGoal, "memory at rest with %d apps: %.1f MB (goal %d)", restingApps, memory, memoryGoal)
	b.report(percent < cpuGoal, "CPU at rest with %d apps: %.2f%% of one core (goal %.1f%%)", restingApps, percent, cpuGoal)
	return nil
}

var csrfField = regexp.MustCompile(`name="csrf_token"\s+value="([^"]+)"`)

func (b *bench) signIn() (*http.Client, error) {
	client := b.stack.AdminClient()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client.Jar = jar
	response, err := client.Get(b.stack.Pages + "/login")
	if err != nil {
		return nil, err
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	token := csrfField.FindSubmatch(text)
	if token == nil {
		return nil, fmt.Errorf("the login page has no csrf_token: %.500s", text)
	}
	response, err = client.PostForm(b.stack.Pages+"/login", url.Values{"csrf_token": {string(token[1])}, "password": {benchPassword}})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("the login answered %d", response.StatusCode)
	}
	return client, nil
}

// ticks is the processor time of a process, in hundredths of a second.
func ticks(pid string) (int64, error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return user + system, err
}

func residentMegabytes(pid string) (float64, error) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("process %s has no memory figure", pid)
}
