package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	appSlowdownGoal = 2.0
	pageGoal        = 500 * time.Millisecond
	usualTime       = 4 * time.Second
	attackTime      = 8 * time.Second
	askEvery        = 5 * time.Millisecond
)

// answers are the times within which 95 of 100 answers came.
type answers struct{ app, page time.Duration }

// measureHostile: a live app and the dashboard while a build attacks the machine, each time between two usual times.
func (b *bench) measureHostile(attack string) func() error {
	return func() error {
		page, err := b.signIn()
		if err != nil {
			return err
		}
		_, archive, version, err := b.content()
		if err != nil {
			return err
		}
		if _, _, err := b.deploy("live", "/live", version, archive); err != nil {
			return err
		}
		return errors.Join(b.measureAttack(page, attack), b.remove("live"))
	}
}

func (b *bench) measureAttack(page *http.Client, attack string) error {
	before, err := b.answers(page, time.After(usualTime))
	if err != nil {
		return err
	}
	usual, during := []answers{before}, []answers(nil)
	var slowdowns []float64
	for range b.rounds {
		hostile, err := b.attack(page, attack)
		if err != nil {
			return err
		}
		after, err := b.answers(page, time.After(usualTime))
		if err != nil {
			return err
		}
		usual, during = append(usual, after), append(during, hostile)
		slowdowns = append(slowdowns, 2*float64(hostile.app)/float64(before.app+after.app))
		before = after
		fmt.Fprintf(os.Stderr, "  %s: hostile %v, usual %v\n", attack, hostile, after)
	}
	app := func(a answers) time.Duration { return a.app }
	pages := func(a answers) time.Duration { return a.page }
	b.report(median(slowdowns) <= appSlowdownGoal, "build with %s: p95 of a live app %.1f times its usual (goal %.0f): %s, usually %s",
		attack, median(slowdowns), appSlowdownGoal, milliseconds(median(values(during, app))), milliseconds(median(values(usual, app))))
	late := median(values(during, pages))
	b.report(late < pageGoal, "build with %s: p95 of the dashboard %s, usually %s (goal %s)",
		attack, milliseconds(late), milliseconds(median(values(usual, pages))), pageGoal)
	return nil
}

// attack uploads an app whose build attacks, and asks until the build has ended or was long enough under way. It
// returns when what the build left is gone.
func (b *bench) attack(page *http.Client, attack string) (answers, error) {
	name := "hostile-" + strings.ToLower(rand.Text()[:8])
	archive, err := b.stack.Attack(attack, name)
	if err != nil {
		return answers{}, err
	}
	response, err := b.stack.Upload(b.ctx, b.stack.AdminClient(), b.token, name, "/"+name, "app.zip", archive)
	if err != nil {
		return answers{}, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return answers{}, fmt.Errorf("upload answered %d", response.StatusCode)
	}
	release := "/api/v1/apps/" + name + "/releases/1"
	if err := b.waitForStep(release); err != nil {
		return answers{}, err
	}
	ended := make(chan time.Time)
	go func() {
		defer close(ended)
		for began := time.Now(); time.Since(began) < attackTime && b.underWay(release); {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	took, err := b.answers(page, ended)
	if err != nil {
		return answers{}, err
	}
	return took, b.endAttack(name, release)
}

// waitForStep waits until the build's log names the command.
func (b *bench) waitForStep(release string) error {
	for range 300 {
		text, err := b.log(release)
		if err != nil {
			return err
		}
		if strings.Contains(text, "RUN [") || !b.underWay(release) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the build of %s never ran its command", release)
}

func (b *bench) log(release string) (string, error) {
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.stack.Admin+release+"/log", http.NoBody)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+b.token)
	client := b.stack.AdminClient()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func (b *bench) underWay(release string) bool {
	var found struct {
		UnderWay bool `json:"under_way"`
	}
	status, err := b.stack.API(b.ctx, b.token, http.MethodGet, release, &found)
	return err == nil && status == http.StatusOK && found.UnderWay
}

func (b *bench) endAttack(name, release string) error {
	_, _ = b.stack.API(b.ctx, b.token, http.MethodPost, release+"/cancel", nil)
	for began := time.Now(); b.underWay(release); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			return fmt.Errorf("the build of %s does not end", name)
		}
	}
	// The engine is busy with what the build left: the first try may be too early, and yet do it.
	for began := time.Now(); ; time.Sleep(time.Second) {
		status, err := b.stack.API(b.ctx, b.token, http.MethodDelete, "/api/v1/apps/"+name, nil)
		if err == nil && (status < http.StatusBadRequest || status == http.StatusNotFound) {
			return b.pause(settleTime)
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("remove %s: status %d: %w", name, status, err)
		}
	}
}

// answers asks a live app and the dashboard, one beside the other, until the end comes.
func (b *bench) answers(page *http.Client, end <-chan time.Time) (answers, error) {
	var asked sync.WaitGroup
	var app, pages []time.Duration
	var appErr, pageErr error
	stop := make(chan struct{})
	visitor := &http.Client{Timeout: 10 * time.Second}
	asked.Go(func() { app, appErr = b.ask(visitor, b.stack.Apps+"/live/", stop) })
	asked.Go(func() { pages, pageErr = b.ask(page, b.stack.Pages+"/admin", stop) })
	<-end
	close(stop)
	asked.Wait()
	if appErr != nil {
		return answers{}, appErr
	}
	return answers{quantile(app, 0.95), quantile(pages, 0.95)}, pageErr
}

// ask returns how long each answer took, until it is stopped.
func (b *bench) ask(client *http.Client, address string, stop <-chan struct{}) (took []time.Duration, err error) {
	for {
		began := time.Now()
		if status := get(b.ctx, client, address); status != http.StatusOK {
			return nil, fmt.Errorf("%s answered %d", address, status)
		}
		took = append(took, time.Since(began))
		select {
		case <-stop:
			return took, nil
		case <-time.After(askEvery):
		}
	}
}

func values(of []answers, one func(answers) time.Duration) []time.Duration {
	var all []time.Duration
	for _, a := range of {
		all = append(all, one(a))
	}
	return all
}
