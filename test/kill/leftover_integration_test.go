//go:build integration

package kill

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/test/patience"
	"berth/test/stack"
)

// owned is what the ledger says there is.
type owned struct {
	app       bool // there is one, and it is live
	number    string
	network   string // the release that its network is of; empty where it is the app's own
	instances []string
	images    []string
	archives  []string
}

// clean waits until nothing is left that the ledger does not own, and the app answers.
func (h *house) clean() error {
	var left []string
	const within = 30 * time.Second
	if patience.Eventually(within, func() bool {
		left = h.leftovers()
		return len(left) == 0
	}) {
		return nil
	}
	return fmt.Errorf("after %s: %q", patience.Of(within), left)
}

// leftovers is what the ledger does not own, and what it owns and is not there.
func (h *house) leftovers() []string {
	wanted, err := h.owned()
	if err != nil {
		return []string{err.Error()}
	}
	found, err := h.found(wanted)
	if err != nil {
		return []string{err.Error()}
	}
	if err := h.answers(wanted); err != nil {
		found = append(found, err.Error())
	}
	return found
}

func (h *house) owned() (owned, error) {
	ledger, err := store.Open(h.t.Context(), filepath.Join(h.folder, "data", "berth.db"))
	if err != nil {
		return owned{}, err
	}
	defer ledger.Close()
	underWay, err := ledger.ListUnderWay(h.t.Context())
	if err != nil {
		return owned{}, err
	}
	if len(underWay) > 0 {
		return owned{}, fmt.Errorf("%s is %s", underWay[0].ReleaseID, underWay[0].State)
	}
	app, err := ledger.FindApp(h.t.Context(), "book")
	if errors.Is(err, problem.ErrNotFound) {
		return owned{}, nil
	}
	if err != nil {
		return owned{}, err
	}
	if app.Live == 0 {
		return owned{}, errors.New("the app has no live release")
	}
	return h.ownedBy(ledger, app)
}

func (h *house) ownedBy(ledger *store.Store, found app.App) (owned, error) {
	live, err := ledger.FindRelease(h.t.Context(), app.ReleaseID{App: found.Name, Number: found.Live})
	if err != nil {
		return owned{}, err
	}
	runnable, err := ledger.ListRunnable(h.t.Context(), found.Name)
	if err != nil {
		return owned{}, err
	}
	archives, err := ledger.ListArchives(h.t.Context())
	if err != nil {
		return owned{}, err
	}
	o := owned{app: true, number: fmt.Sprint(live.Number), instances: live.Instances, archives: archives}
	if live.Network() != 0 {
		o.network = o.number
	}
	for _, release := range runnable {
		o.images = append(o.images, release.Image)
		for _, run := range release.Services {
			o.images = append(o.images, run.Image)
		}
	}
	return o, nil
}

// labelled lists things of the engine that have the stack's label, each by its fields.
func (h *house) labelled(command ...string) ([][]string, error) {
	out, err := stack.Docker(append(command, "--filter", "label=berth.stack="+h.Name, "--format",
		`{{.`+nameOf[command[0]]+`}};{{.Label "berth.role"}};{{.Label "berth.release"}}`)...)
	if err != nil || out == "" {
		return nil, err
	}
	var found [][]string
	for line := range strings.SplitSeq(out, "\n") {
		found = append(found, strings.Split(line, ";"))
	}
	return found, nil
}

var nameOf = map[string]string{"ps": "Names", "network": "Name", "volume": "Name"}

// found is what there is and should not be, or the reverse.
func (h *house) found(o owned) ([]string, error) {
	containers, err := h.labelled("ps", "--all")
	if err != nil {
		return nil, err
	}
	networks, err := h.labelled("network", "ls")
	if err != nil {
		return nil, err
	}
	volumes, err := h.labelled("volume", "ls")
	if err != nil {
		return nil, err
	}
	images, err := h.strangeImages(o, containers)
	if err != nil {
		return nil, err
	}
	var odd []string
	missing := slices.Clone(o.instances)
	for _, container := range containers {
		name := strings.TrimSuffix(container[0], ".secrets")
		if container[1] != "proxy" && !slices.Contains(o.instances, name) {
			odd = append(odd, container[1]+" "+container[0])
		}
		missing = slices.DeleteFunc(missing, func(instance string) bool { return instance == container[0] })
	}
	for _, name := range missing {
		odd = append(odd, "no container "+name)
	}
	for _, network := range networks {
		if network[1] != "edge" && (!o.app || network[2] != o.network) {
			odd = append(odd, "network "+network[0])
		}
	}
	for _, volume := range volumes {
		name, secrets := strings.CutSuffix(volume[0], ".secrets")
		if secrets && !slices.Contains(o.instances, name) {
			odd = append(odd, "volume "+volume[0])
		}
		odd = append(odd, h.halfUploads(volume[0])...)
	}
	return slices.Concat(odd, images, h.strangeFiles(o)), nil
}

func (h *house) strangeImages(o owned, containers [][]string) ([]string, error) {
	used := make(map[string]bool)
	for _, container := range containers {
		// One that goes in between uses nothing.
		id, _ := stack.Docker("inspect", "--format", "{{.Image}}", container[0])
		used[id] = true
	}
	out, err := stack.Docker("image", "ls", "--all", "--quiet", "--no-trunc", "--filter", "label=berth.stack="+h.Name)
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(out)
	slices.Sort(ids)
	var odd []string
	tools := make(map[string]int) // images that a stack has once for all apps, by role
	for _, id := range slices.Compact(ids) {
		text, err := stack.Docker("image", "inspect", "--format", `{{index .Config.Labels "berth.role"}} {{index .Config.Labels "berth.release"}}`, id)
		if err != nil {
			continue // gone since
		}
		role, release, _ := strings.Cut(text, " ")
		if release == "" && (role == "helper" || role == "secrets") {
			tools[role]++
			continue
		}
		if !used[id] && !slices.Contains(o.images, id) && (role != "files" || release != o.number) {
			odd = append(odd, "image "+text+" "+id)
		}
	}
	for role, count := range tools {
		if count > 1 {
			odd = append(odd, fmt.Sprintf("%d images for %s", count, role))
		}
	}
	return odd, nil
}

// halfUploads is what uploads that were cut off have left in a volume, where this process can see it.
func (h *house) halfUploads(volume string) []string {
	mountpoint, err := stack.Docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume)
	if err != nil {
		return nil
	}
	left, _ := filepath.Glob(mountpoint + "/.berth-upload-*")
	return left
}

// strangeFiles is what is left in Berth's own folders.
func (h *house) strangeFiles(o owned) []string {
	var odd []string
	entries, err := os.ReadDir(filepath.Join(h.folder, "data", "uploads"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, entry := range entries {
		if !slices.Contains(o.archives, entry.Name()) {
			odd = append(odd, "archive "+entry.Name())
		}
	}
	for _, pattern := range []string{"proxy/.berth-*", "proxy/*/.berth-*", "data/.secret-*", "data/*/.tls-*"} {
		left, _ := filepath.Glob(filepath.Join(h.folder, pattern))
		odd = append(odd, left...)
	}
	if logs, err := os.ReadDir(filepath.Join(h.folder, "data", "logs")); !o.app && err == nil {
		for _, folder := range logs {
			odd = append(odd, "logs of "+folder.Name())
		}
	}
	return odd
}

// answers asks the app through the proxy: in either of its states it is there.
func (h *house) answers(o owned) error {
	client := http.Client{Timeout: patience.Of(2 * time.Second), Transport: &http.Transport{}} // past any proxy of this machine's own
	defer client.CloseIdleConnections()
	response, err := client.Get(h.Apps + "/book/")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if there := response.StatusCode == http.StatusOK && strings.HasPrefix(string(text), "testapp v"); there != o.app {
		return fmt.Errorf("an app in the ledger: %t, and its path answers %d %.100s", o.app, response.StatusCode, text)
	}
	return nil
}
