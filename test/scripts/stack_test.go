package scripts

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func TestStack_ControllerHasTimeToUndoAReleaseAndTheProxyAsksForNoNameOfTheHosts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var stack struct {
		Services map[string]struct {
			StopGracePeriod time.Duration `yaml:"stop_grace_period"`
			DNSSearch       string        `yaml:"dns_search"`
			MemoryLimit     string        `yaml:"mem_limit"`
		}
	}
	if err := yaml.Unmarshal(text, &stack); err != nil {
		t.Fatal(err)
	}
	if got := stack.Services["berth"].StopGracePeriod; got < 2*time.Minute {
		t.Errorf("the controller has %s to end", got)
	}
	if got := stack.Services["traefik"].DNSSearch; got != "." {
		t.Errorf("the proxy looks names up in %q too", got)
	}

	image, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	heap := number(t, `GOMEMLIMIT=(\d+)MiB`, string(image))
	if whole := number(t, `^(\d+)m$`, stack.Services["berth"].MemoryLimit); heap >= whole {
		t.Errorf("Go may take %d MiB of the controller's %d", heap, whole)
	}
}

// number returns the one that the pattern finds.
func number(t *testing.T, pattern, text string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in %q", pattern, text)
	}
	size, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return size
}
