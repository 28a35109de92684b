//go:build integration

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

// metadata is the stand-in for the address at which clouds keep credentials: link-local, on
// an interface of its own.
var metadata string

// standInForMetadata makes that interface: a bridge, which each kernel that runs containers
// has. Without the right to, the probe asks itself.
func standInForMetadata(place stack.Place) (address string, remove func()) {
	second := place.Pool.Addr().As4()[1]
	name, link := fmt.Sprintf("berthmeta%d", second), fmt.Sprintf("169.254.77.%d", second)
	ip := func(arguments ...string) error { return exec.Command("ip", arguments...).Run() }
	_ = ip("link", "del", name) // of an earlier run
	remove = func() { _ = ip("link", "del", name) }
	if ip("link", "add", name, "type", "bridge") != nil || ip("addr", "add", link+"/32", "dev", name) != nil || ip("link", "set", name, "up") != nil {
		remove()
		return stack.NoMetadata, func() {}
	}
	metadata = net.JoinHostPort(link, "8099")
	return metadata, remove
}

// noProbe waits until no probe is under way.
func noProbe(t *testing.T) {
	t.Helper()
	label := "label=berth.stack=" + berth.Name
	eventually(t, time.Minute, "no probe to be left", func() bool {
		return docker(t, "network", "ls", "--quiet", "--filter", label, "--filter", "label=berth.role=probe") == "" &&
			docker(t, "ps", "--all", "--quiet", "--filter", label, "--filter", "label=berth.role=helper") == ""
	})
}

// probed is what the API says of a probe.
type probed struct {
	Tried, Reached int
	Results        []struct {
		Kind, Address string
		Reached       bool
	}
}

func (p probed) reached() (all []string) {
	for _, result := range p.Results {
		if result.Reached {
			all = append(all, result.Address)
		}
	}
	return all
}

func (p probed) kinds() map[string]int {
	kinds := make(map[string]int)
	for _, result := range p.Results {
		kinds[result.Kind]++
	}
	return kinds
}

func (o *operator) probe() (told probed) {
	o.t.Helper()
	status, err := berth.API(o.t.Context(), o.token, http.MethodPost, "/api/v1/checklist/probe", &told)
	if err != nil || status != http.StatusOK {
		o.t.Fatalf("run the probe: %d, %v", status, err)
	}
	return told
}

// row is the state of one row of the checklist, and what was found.
func (o *operator) row(name string) (state, found string) {
	o.t.Helper()
	var told struct {
		Rows []struct{ Name, State, Found string }
	}
	if status, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/checklist", &told); err != nil || status != http.StatusOK {
		o.t.Fatalf("read the checklist: %d, %v", status, err)
	}
	for _, row := range told.Rows {
		if row.Name == name {
			return row.State, row.Found
		}
	}
	o.t.Fatalf("the checklist has no row %s", name)
	return "", ""
}

// wall runs the script of the rules that keep apps from this machine.
func wall(t *testing.T, arguments ...string) {
	t.Helper()
	command := exec.Command(filepath.Join(berth.Repository(), "scripts", "wall"), arguments...)
	command.Dir, command.Env = berth.Repository(), berth.Environment
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("wall %v: %v: %s", arguments, err, out)
	}
}

// foreign is a service of this machine that has nothing to do with Berth.
func foreign(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
}

func TestRelease_IsProvenToBeReachableOnlyThroughTheProxy(t *testing.T) {
	o := newOperator(t)
	for number, version := range []string{"v1", "v2"} {
		if number == 0 {
			o.deploy("proven", "", version)
		} else {
			o.update("proven", "", version)
		}
		var told struct {
			Release int
			Network *struct {
				OnlyThroughProxy bool `json:"only_through_proxy"`
				Answered         bool
				Leaks            []string
			}
		}
		eventually(t, time.Minute, "the release to be proven", func() bool {
			_, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/proven", &told)
			return err == nil && told.Release == number+1 && told.Network != nil
		})
		if !told.Network.OnlyThroughProxy || !told.Network.Answered || len(told.Network.Leaks) > 0 {
			t.Errorf("%s: %+v", version, *told.Network)
		}
		told.Network = nil
	}
	noProbe(t)
}

func TestProbe_ReachesNothingBehindTheWallAndTurnsTheRowRedWithoutIt(t *testing.T) {
	o := newOperator(t)
	o.deploy("neighbour", "", "v1")
	if os.Geteuid() != 0 {
		t.Fatal("the rules of the firewall need root")
	}
	foreign(t, net.JoinHostPort(place.Gateway, "5432")) // a database that this machine opens on one of its addresses
	if metadata == "" {
		t.Fatal("there is no stand-in for the link-local address")
	}
	foreign(t, metadata)

	told := o.probe()
	if told.Reached != 0 || told.Tried < 100 {
		t.Errorf("reached %v of %d", told.reached(), told.Tried)
	}
	kinds := told.kinds()
	for _, kind := range []string{"app", "proxy", "admin", "broker", "host", "link-local"} {
		if kinds[kind] == 0 {
			t.Errorf("%s was not tried: %v", kind, kinds)
		}
	}
	if state, found := o.row("probe"); state != "green" {
		t.Errorf("%s: %s", state, found)
	}

	wall(t, "remove")
	defer wall(t)
	told = o.probe()
	for _, address := range []string{net.JoinHostPort(place.Gateway, "5432"), metadata} {
		if !slices.Contains(told.reached(), address) {
			t.Errorf("%s is open, and the probe reached only %v", address, told.reached())
		}
	}
	if state, found := o.row("probe"); state != "red" || !strings.Contains(found, "reached") {
		t.Errorf("%s: %s", state, found)
	}
	noProbe(t)
}

func TestDoctor_ExitsWithOneAndNamesTheFix(t *testing.T) {
	o := newOperator(t)
	for _, more := range [][]string{nil, {"--json"}, {"--probe"}} {
		command := exec.Command("docker", append([]string{
			"exec", "--env", "BERTH_TOKEN=" + o.token, "--env", "BERTH_CA_FILE=/data/tls/admin.crt",
			berth.Controller(), "/berth", "doctor", "--server", "https://localhost:8001",
		}, more...)...)
		out, _ := command.CombinedOutput()
		if command.ProcessState.ExitCode() != 1 { // the engine of this machine is old, and nobody has a second factor
			t.Errorf("%v: exit code %d\n%s", more, command.ProcessState.ExitCode(), out)
		}
		for _, words := range []string{"Two-factor authentication", "CVE-2026-42306", "29.5.1", "There is no backup."} {
			if !strings.Contains(string(out), words) {
				t.Errorf("%v does not say %q:\n%s", more, words, out)
			}
		}
	}
	if state, found := o.row("admin-address"); state != "green" {
		t.Errorf("%s: %s", state, found)
	}
	if state, found := o.row("dashboard"); state != "green" {
		t.Errorf("%s: %s", state, found)
	}
	if state, found := o.row("files"); state != "green" {
		t.Errorf("%s: %s", state, found)
	}
	if state, found := o.row("broker"); state != "green" {
		t.Errorf("%s: %s", state, found)
	}
}

func TestProbe_KillOfTheControllerLeavesNothing(t *testing.T) {
	o := newOperator(t)
	ctx, end := context.WithTimeout(t.Context(), patience.Of(time.Minute))
	defer end()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = berth.API(ctx, o.token, http.MethodPost, "/api/v1/checklist/probe", nil)
	}()
	label := "label=berth.stack=" + berth.Name
	eventually(t, 30*time.Second, "the probe to be under way", func() bool {
		return docker(t, "network", "ls", "--quiet", "--filter", label, "--filter", "label=berth.role=probe") != ""
	})
	docker(t, "kill", "--signal", "KILL", berth.Controller())
	<-ended
	docker(t, "start", berth.Controller())
	healthy(t)
	noProbe(t)
}
