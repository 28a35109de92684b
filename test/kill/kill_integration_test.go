//go:build integration

// Package kill kills the real process at the calls that change the real engine, and looks at what the next one makes of
// what is there.
package kill

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"berth/test/patience"
)

// sample is how many passes of each deed are tried where BERTH_TEST_KILLS names no other number, or all.
const sample = 1

// killedFile is an app with every kind of thing that Berth makes: a secret and a config as files, a volume, and a second
// service.
const killedFile = `
services:
  web:
    build: .
    ports: ["8080:8000"]
    environment: {TITLE: "${TITLE:-none}"}
    secrets: [token]
    configs: [{source: page, target: /etc/page}]
    depends_on: [store]
    labels: {berth.main_service: "true"}
  store:
    build: ./store
    volumes: ["entries:/data"]
    secrets: [token]
volumes: {entries: }
secrets: {token: {file: ./token.txt}}
configs: {page: {file: ./page.txt}}
`

// form is one way to describe an app.
type form struct {
	name  string
	files func(h *house, version string) map[string][]byte
}

var forms = []form{
	{"single", (*house).single},
	{"compose", func(h *house, version string) map[string][]byte {
		files := h.single(version)
		files["compose.yaml"], files["page.txt"], files["token.txt"] = []byte(killedFile), []byte("page "+version), []byte("token "+version)
		for name, content := range h.single("v0") {
			files["store/"+name] = content
		}
		return files
	}},
}

func (h *house) single(version string) map[string][]byte {
	files, err := h.AppFiles("", version)
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// deed is what is under way when the process is killed. It can be done again and again, to an app or to none.
type deed struct {
	name string
	to   bool // an app that is there
	do   func(h *house, f form, round int) error
}

var deeds = []deed{
	{"create", false, func(h *house, f form, round int) error { return h.upload("/book", f.files(h, version(round))) }},
	{"update", true, func(h *house, f form, round int) error { return h.upload("", f.files(h, version(round))) }},
	{"environment", true, func(h *house, _ form, round int) error {
		body := fmt.Sprintf(`{"variables": {"TITLE": "title %d"}, "secret_files": {"KEY": "key %d"}}`, round, round)
		if err := h.send(http.MethodPatch, "/apps/book/environment", body, nil); err != nil {
			return err
		}
		return h.send(http.MethodPost, "/apps/book/environment/apply", "", nil)
	}},
	{"mounts", true, func(h *house, _ form, round int) error {
		return h.send(http.MethodPost, "/apps/book/mounts", fmt.Sprintf(`{"mounts": [{"volume": "data", "target": "/data%d"}]}`, round), nil)
	}},
	{"rollback", true, func(h *house, _ form, _ int) error {
		number, err := h.former()
		if err != nil {
			return err
		}
		return h.send(http.MethodPost, "/apps/book/rollback", fmt.Sprintf(`{"release": %d}`, number), nil)
	}},
	{"delete", true, func(h *house, _ form, _ int) error { return h.send(http.MethodDelete, "/apps/book", "", nil) }},
}

func version(round int) string { return fmt.Sprintf("v%d", round) }

// former is a release that the app can go back to.
func (h *house) former() (int64, error) {
	var answer struct {
		Releases []struct {
			Number int64  `json:"number"`
			State  string `json:"state"`
		} `json:"releases"`
	}
	if err := h.send(http.MethodGet, "/apps/book/releases", "", &answer); err != nil {
		return 0, err
	}
	for _, release := range answer.Releases {
		if release.State == "superseded" {
			return release.Number, nil
		}
	}
	return 0, fmt.Errorf("nothing to go back to in %+v", answer.Releases)
}

// TestKill_AtTheRealEngineLeavesNothingThatNoReleaseOwns kills the process before and after calls that change the engine.
// Each run tries others; BERTH_TEST_KILLS=all tries every one of each deed.
func TestKill_AtTheRealEngineLeavesNothingThatNoReleaseOwns(t *testing.T) {
	h := newHouse(t)
	if err := h.send(http.MethodPost, "/volumes", `{"name": "data"}`, nil); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, form := range forms {
		for _, deed := range deeds {
			t.Run(deed.name+" "+form.name, func(t *testing.T) { tried += (&killing{house: h, form: form, deed: deed}).run(t) })
		}
	}
	t.Logf("killed at %d passes", tried)
}

// killing kills at the passes of one deed.
type killing struct {
	*house
	form  form
	deed  deed
	round int

	before func() error // what gives the deed something to do; nil where that is always there
}

func (k *killing) run(t *testing.T) (tried int) {
	passes := k.count(t)
	order := rand.Perm(len(passes))
	for _, at := range order[:wanted(len(passes))] {
		fell := k.once(t, at+1, passes[at])
		if fell {
			tried++
		}
	}
	t.Logf("killed at %d of %d passes", tried, len(passes))
	return tried
}

// wanted is how many of the passes are tried.
func wanted(passes int) int {
	if os.Getenv("BERTH_TEST_KILLS") == "all" {
		return passes
	}
	return min(number("BERTH_TEST_KILLS", sample), passes)
}

// number is the one that the variable of the environment names, else the usual one.
func number(variable string, usual int) int {
	named, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		return usual
	}
	return named
}

// ready makes the app that the deed is done to, or none.
func (k *killing) ready(t *testing.T) {
	t.Helper()
	k.round++
	k.revive()
	state, err := k.owned()
	if err == nil && state.app && !k.deed.to {
		err = k.send(http.MethodDelete, "/apps/book", "", nil)
	}
	if err == nil && !state.app && k.deed.to {
		err = k.upload("/book", k.form.files(k.house, version(k.round)))
		if err == nil {
			err = k.clean()
		}
		k.round++
		if err == nil { // it has something to go back to
			err = k.upload("", k.form.files(k.house, version(k.round)))
		}
	}
	if err == nil && k.before != nil {
		err = k.before()
	}
	if err == nil {
		err = k.clean()
	}
	if err != nil {
		t.Fatalf("get ready: %v\n%s", err, k.Log())
	}
	k.round++
}

// count does the deed undisturbed, and returns the passes.
func (k *killing) count(t *testing.T) []string {
	t.Helper()
	k.ready(t)
	k.door.arm(0, nil)
	if err := k.deed.do(k.house, k.form, k.round); err != nil {
		t.Fatalf("%v\n%s", err, k.Log())
	}
	passes := k.settle(t)
	if len(passes) == 0 {
		t.Fatal("it changes nothing in the engine")
	}
	return passes
}

// settle waits until the deed has ended, with all that comes after it.
func (k *killing) settle(t *testing.T) []string {
	t.Helper()
	const rest = 1500 * time.Millisecond
	if err := k.clean(); err != nil {
		t.Fatalf("%v\n%s", err, k.Log())
	}
	patience.Eventually(10*time.Second, func() bool {
		_, quiet := k.door.counted()
		return quiet > rest
	})
	passes, _ := k.door.counted()
	return passes
}

// once kills at one pass; false where there were fewer this time.
func (k *killing) once(t *testing.T, at int, what string) bool {
	t.Helper()
	k.ready(t)
	fell := k.door.arm(at, k.Kill)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = k.deed.do(k.house, k.form, k.round) // who kills it in between gets no answer
	}()
	select {
	case <-fell:
		<-done
	case <-quietAfter(k.door, done):
		k.door.disarm()
		k.settle(t)
		return false
	}
	passes, _ := k.door.counted()
	k.start()
	began := time.Now()
	if err := k.clean(); err != nil {
		t.Errorf("killed at %d (%s; it was %s): %v\n%s", at, passes[at-1], what, err, k.Log())
		return true
	}
	t.Logf("killed at %d, %s: clean after %v", at, passes[at-1], time.Since(began).Round(100*time.Millisecond))
	return true
}

// quietAfter is closed when the deed is done and the engine has been left alone for long.
func quietAfter(d *door, done <-chan struct{}) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		<-done
		patience.Eventually(time.Minute, func() bool {
			_, quiet := d.counted()
			return quiet > 6*time.Second
		})
	}()
	return over
}
