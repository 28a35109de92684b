package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"berth/test/stack"
)

// The goals are ratios to the floor of the same run.
const (
	firstGoal    = 1.10
	redeployGoal = 1.25
	formGoal     = 100 * time.Millisecond
	visitEvery   = 10 * time.Millisecond
	outageRounds = 20
	outageRate   = 200 // requests a second
)

// measureFirst: from the form's POST to the first 200 of a new app through the
// proxy, against build, create, start and first 200 by hand.
func (b *bench) measureFirst() error {
	var ours, theirs, form []time.Duration
	for round := range b.rounds + 1 {
		version := b.version()
		name := fmt.Sprintf("first-%d", round)
		files, _, err := b.content(version)
		if err != nil {
			return err
		}
		byHand, err := b.floor.release(b.ctx, name, files)
		if err != nil {
			return err
		}
		version = b.version()
		_, archive, err := b.content(version)
		if err != nil {
			return err
		}
		whole, answered, err := b.deploy(name, "/"+name, version, archive)
		if err != nil {
			return err
		}
		if err := b.clean(name); err != nil {
			return err
		}
		if round == 0 {
			continue // warms both up
		}
		ours, theirs, form = append(ours, whole), append(theirs, byHand), append(form, answered)
	}
	ratio := median(ratios(ours, theirs))
	b.report(ratio <= firstGoal, "first release: %.2f of the floor (goal %.2f); Berth %s, by hand %s",
		ratio, firstGoal, milliseconds(median(ours)), milliseconds(median(theirs)))
	b.report(median(form) < formGoal, "the form answers after %s, upload of %d MB included (goal %s beyond the upload)",
		milliseconds(median(form)), 4, formGoal)
	return nil
}

// measureRedeploy: the same for the next version of an app that runs.
func (b *bench) measureRedeploy() error {
	version := b.version()
	_, archive, err := b.content(version)
	if err != nil {
		return err
	}
	if _, _, err := b.deploy("again", "/again", version, archive); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for round := range b.rounds + 1 {
		name := fmt.Sprintf("again-%d", round)
		files, _, err := b.content(b.version())
		if err != nil {
			return err
		}
		byHand, err := b.floor.release(b.ctx, name, files)
		if err != nil {
			return err
		}
		version := b.version()
		_, archive, err := b.content(version)
		if err != nil {
			return err
		}
		whole, _, err := b.deploy("again", "", version, archive)
		if err != nil {
			return err
		}
		if err := b.floor.remove(b.ctx, name); err != nil {
			return err
		}
		b.settle("again")
		if round > 0 {
			ours, theirs = append(ours, whole), append(theirs, byHand)
		}
	}
	ratio := median(ratios(ours, theirs))
	b.report(ratio <= redeployGoal, "redeploy: %.2f of the floor (goal %.2f); Berth %s, by hand %s",
		ratio, redeployGoal, milliseconds(median(ours)), milliseconds(median(theirs)))
	return nil
}

// measureOutage: requests that fail while an app is redeployed again and again.
func (b *bench) measureOutage() error {
	version := b.version()
	_, archive, err := b.content(version)
	if err != nil {
		return err
	}
	if _, _, err := b.deploy("steady", "/steady", version, archive); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	var sent, failed atomic.Int64
	var load sync.WaitGroup
	load.Go(func() { b.visit(ctx, "/steady", &sent, &failed) })
	for range outageRounds {
		version := b.version()
		_, archive, err := b.content(version)
		if err == nil {
			_, _, err = b.deploy("steady", "", version, archive)
		}
		if err != nil {
			stop()
			return err
		}
		b.settle("steady")
	}
	stop()
	load.Wait()
	b.report(failed.Load() == 0, "redeploys under load: %d of %d requests failed over %d redeploys at %d a second (goal 0)",
		failed.Load(), sent.Load(), outageRounds, outageRate)
	return b.remove("steady")
}

// visit sends requests at the rate until ctx ends, each on its own time: a slow
// answer delays no other.
func (b *bench) visit(ctx context.Context, path string, sent, failed *atomic.Int64) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	ticker := time.NewTicker(time.Second / outageRate)
	defer ticker.Stop()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			open.Go(func() {
				sent.Add(1)
				// The visit is not the bench's to cancel: a request that is under way counts.
				if get(context.WithoutCancel(ctx), client, b.stack.Apps+path) != http.StatusOK {
					failed.Add(1)
				}
			})
		}
	}
}

// deploy uploads and waits for the first answer of that version through the
// proxy; answered is when the form had answered.
func (b *bench) deploy(name, route, version string, archive []byte) (whole, answered time.Duration, err error) {
	client := b.stack.AdminClient()
	_, _ = b.stack.API(b.ctx, b.token, http.MethodGet, "/api/v1/apps", nil)
	began := time.Now()
	response, err := b.stack.Upload(b.ctx, client, b.token, name, route, "app.zip", archive)
	if err != nil {
		return 0, 0, err
	}
	answered = time.Since(began)
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return 0, 0, fmt.Errorf("upload of %s answered %d: %.300s", name, response.StatusCode, text)
	}
	visitor := &http.Client{Timeout: 5 * time.Second}
	for time.Since(began) < time.Minute {
		if b.says(visitor, name, version) {
			return time.Since(began), answered, nil
		}
		// Asking more often would take the processor from what is measured: the
		// floor asks only once its container has started.
		time.Sleep(visitEvery)
	}
	return 0, 0, fmt.Errorf("%s did not answer with %s within a minute", name, version)
}

func (b *bench) says(visitor *http.Client, name, version string) bool {
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.stack.Apps+"/"+name, http.NoBody)
	if err != nil {
		return false
	}
	response, err := visitor.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode == http.StatusOK && strings.TrimSpace(string(text)) == "testapp "+version
}

// settle waits until one instance alone is left, so that rounds do not overlap.
func (b *bench) settle(name string) {
	for range 200 {
		out, err := stack.Docker("ps", "--all", "--quiet", "--filter", "label=berth.stack="+b.stack.Name, "--filter", "label=berth.app="+name)
		if err == nil && len(strings.Fields(out)) <= 1 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (b *bench) clean(name string) error {
	if err := b.floor.remove(b.ctx, name); err != nil {
		return err
	}
	return b.remove(name)
}

func (b *bench) remove(name string) error {
	status, err := b.stack.API(b.ctx, b.token, http.MethodDelete, "/api/v1/apps/"+name, nil)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("remove %s: status %d", name, status)
	}
	return err
}

// content is one version of the test app, as loose files and as archive.
func (b *bench) content(version string) (files map[string][]byte, archive []byte, err error) {
	if files, err = b.stack.AppFiles("", version); err != nil {
		return nil, nil, err
	}
	archive, err = stack.Zip(files)
	return files, archive, err
}
