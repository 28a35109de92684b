package main

import (
	"context"
	"crypto/rand"
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
	quiet        = time.Second // between two measurements: the kernel takes networks down in the background
	outageRounds = 20
	outageRate   = 200 // requests a second
)

// pair is one round: the same work by Berth, by hand, and by hand with the isolation
// that Berth gives.
type pair struct{ ours, form, byHand, isolated time.Duration }

// measureFirst: from the form's POST to the first 200 of a new app through the
// proxy, against build, create, start and first 200 by hand.
func (b *bench) measureFirst() error {
	var pairs []pair
	for round := range b.rounds + 1 {
		name := fmt.Sprintf("first-%d", round)
		measured, err := b.pairUp(name, name, "/"+name)
		if err != nil {
			return err
		}
		if err := b.remove(name); err != nil {
			return err
		}
		pairs = append(pairs, measured)
	}
	b.compare("first release", firstGoal, pairs[1:]) // the first warms all up
	form := median(column(pairs[1:], func(p pair) time.Duration { return p.form }))
	b.report(form < formGoal, "the form answers after %s, upload of %d MB included (goal %s beyond the upload)",
		milliseconds(form), 4, formGoal)
	return nil
}

// measureRedeploy: the same for the next version of an app that runs.
func (b *bench) measureRedeploy() error {
	_, archive, version, err := b.content()
	if err != nil {
		return err
	}
	if _, _, err := b.deploy("again", "/again", version, archive); err != nil {
		return err
	}
	var pairs []pair
	for round := range b.rounds + 1 {
		measured, err := b.pairUp("again", fmt.Sprintf("again-%d", round), "")
		if err != nil {
			return err
		}
		b.settle("again")
		pairs = append(pairs, measured)
	}
	b.compare("redeploy", redeployGoal, pairs[1:])
	return nil
}

// pairUp measures one round; without a route it is another version of an app that runs.
// Each of the three builds a version that nobody built before.
func (b *bench) pairUp(app, floorName, route string) (measured pair, err error) {
	files, _, _, err := b.content()
	if err != nil {
		return pair{}, err
	}
	time.Sleep(quiet)
	if measured.byHand, err = b.floor.release(b.ctx, floorName, files); err != nil {
		return pair{}, err
	}
	if files, _, _, err = b.content(); err != nil {
		return pair{}, err
	}
	time.Sleep(quiet)
	if measured.isolated, err = b.floor.isolated(b.ctx, floorName, route == "", files); err != nil {
		return pair{}, err
	}
	_, archive, version, err := b.content()
	if err != nil {
		return pair{}, err
	}
	time.Sleep(quiet)
	measured.ours, measured.form, err = b.deploy(app, route, version, archive)
	return measured, err
}

func (b *bench) compare(what string, goal float64, pairs []pair) {
	ours := column(pairs, func(p pair) time.Duration { return p.ours })
	byHand := column(pairs, func(p pair) time.Duration { return p.byHand })
	isolated := column(pairs, func(p pair) time.Duration { return p.isolated })
	ratio := median(ratios(ours, byHand))
	b.report(ratio <= goal, "%s: %.2f of the floor (goal %.2f), %.2f of the same by hand on a network of its own; Berth %s, by hand %s and %s",
		what, ratio, goal, median(ratios(ours, isolated)), milliseconds(median(ours)), milliseconds(median(byHand)), milliseconds(median(isolated)))
}

func column(pairs []pair, of func(pair) time.Duration) []time.Duration {
	values := make([]time.Duration, len(pairs))
	for i, p := range pairs {
		values[i] = of(p)
	}
	return values
}

// measureOutage: requests that fail while an app is redeployed again and again.
func (b *bench) measureOutage() error {
	_, archive, version, err := b.content()
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
		_, archive, version, err := b.content()
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
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.stack.Apps+"/"+name+"/", http.NoBody)
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

func (b *bench) remove(name string) error {
	status, err := b.stack.API(b.ctx, b.token, http.MethodDelete, "/api/v1/apps/"+name, nil)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("remove %s: status %d", name, status)
	}
	return err
}

// content is a version of the test app that no run had before, as loose files and as
// archive: a cached layer would flatter whoever comes second.
func (b *bench) content() (files map[string][]byte, archive []byte, version string, err error) {
	version = "v" + rand.Text()
	if files, err = b.stack.AppFiles("", version); err != nil {
		return nil, nil, "", err
	}
	archive, err = stack.Zip(files)
	return files, archive, version, err
}
