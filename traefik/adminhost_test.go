package traefik

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestAdminHost_BelongsToNoAppOnAnyPublicEntryPoint(t *testing.T) {
	folder := t.TempDir()
	if _, err := WriteStatic(folder, StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2"), AdminHost: "berth.localhost"}); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(folder, dynamicFolder, adminName))
	if err != nil {
		t.Fatal(err)
	}
	var written Configuration
	if err := yaml.Unmarshal(file, &written); err != nil {
		t.Fatal(err)
	}
	above := Route{Host: "berth.localhost", Path: "/" + Path(make([]byte, maxPathBytes))}.Priority()
	for _, entryPoint := range []string{EntryPointWeb, EntryPointWebsecure} {
		router := written.HTTP.Routers[adminPrefix+entryPoint]
		if router == nil || router.Rule != "Host(`berth.localhost`)" || router.Priority <= max(above, beaconPriority)+1 ||
			len(router.EntryPoints) != 1 || router.EntryPoints[0] != entryPoint || (router.TLS != nil) != (entryPoint == EntryPointWebsecure) {
			t.Errorf("%s: %+v", entryPoint, router)
		}
		if !isStackRouter(adminPrefix + entryPoint) {
			t.Errorf("%s would be taken for one that should be gone", adminPrefix+entryPoint)
		}
	}
}

func TestAdminHost_RefusesTextThatWouldBecomeARule(t *testing.T) {
	for _, host := range []Host{"berth.localhost`) || Host(`x.example", "{{ env `PATH` }}.example", "localhost", "BERTH.example"} {
		if _, err := WriteStatic(t.TempDir(), StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2"), AdminHost: host}); err == nil {
			t.Errorf("taken: %s", host)
		}
	}
}
