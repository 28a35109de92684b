package traefik

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestStatic_RefusesAddressesThatMeanEveryone(t *testing.T) {
	for _, address := range []netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if _, err := Static(StaticOptions{ProxyAddress: address}); err == nil {
			t.Errorf("%s would put the API on every network", address)
		}
	}
}

func TestStatic_RefusesTextThatWouldBecomeStructure(t *testing.T) {
	good := StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2")}
	for _, options := range []StaticOptions{
		{ProxyAddress: good.ProxyAddress, LogLevel: "INFO\napi:\n  insecure: true"},
		{ProxyAddress: good.ProxyAddress, ProxyFolder: "/proxy\"\napi:"},
		{ProxyAddress: good.ProxyAddress, ProxyFolder: "proxy"},
	} {
		if _, err := Static(options); err == nil {
			t.Errorf("taken: %+v", options)
		}
	}
}

func TestStatic_TakesAnIPv6Address(t *testing.T) {
	file, err := Static(StaticOptions{ProxyAddress: netip.MustParseAddr("2001:db8::2")})
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		EntryPoints map[string]struct{ Address string } `yaml:"entryPoints"`
	}
	if err := yaml.Unmarshal(file, &parsed); err != nil {
		t.Fatal(err)
	}
	if got := parsed.EntryPoints[EntryPointVerify].Address; got != "[2001:db8::2]:8081" {
		t.Errorf("verify is at %s", got)
	}
}

func TestWriteStatic_ReportsAChangeOnce(t *testing.T) {
	folder := t.TempDir()
	options := StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2")}
	for _, want := range []bool{true, false} {
		if changed, err := WriteStatic(folder, options); err != nil || changed != want {
			t.Errorf("changed %t, error %v", changed, err)
		}
	}
	options.LogLevel = "WARN"
	if changed, err := WriteStatic(folder, options); err != nil || !changed {
		t.Errorf("changed %t, error %v", changed, err)
	}
	information, err := os.Stat(filepath.Join(folder, staticName))
	if err != nil || information.Mode().Perm() != 0o644 {
		t.Errorf("the proxy may not be able to read the file: %v, %v", information.Mode(), err)
	}
}
