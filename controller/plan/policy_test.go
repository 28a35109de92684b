package plan

import (
	"reflect"
	"testing"

	"berth/controller/problem/problemtest"
)

// TestPolicy_IsTheTableOfTheDesign holds each value of "The hardening policy" as
// a literal, so that none changes in one place alone.
func TestPolicy_IsTheTableOfTheDesign(t *testing.T) {
	got, err := Service{Limits: DefaultLimits()}.Policy("")
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		MemoryBytes:         536870912,
		MemoryAndSwapBytes:  536870912,
		NanoCPUs:            500000000,
		Processes:           100,
		DroppedCapabilities: []string{"ALL"},
		AddedCapabilities:   []string{"NET_BIND_SERVICE"},
		User:                "65534:65534",
		SecurityOptions:     []string{"no-new-privileges:true"},
		ReadOnlyRoot:        true,
		TemporaryFolders:    map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=100m"},
		LogDriver:           "json-file",
		LogOptions:          map[string]string{"max-size": "10m", "max-file": "3"},
		Init:                true,
		RestartPolicy:       "unless-stopped",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPolicy_RunsAsNobodyInsteadOfRoot(t *testing.T) {
	for image, want := range map[string]string{
		"": Nobody, "root": Nobody, "0": Nobody, "0:0": Nobody, "root:root": Nobody, "0:1000": Nobody, "root:app": Nobody,
		":": Nobody, ":1000": Nobody, "00": Nobody, "+0": Nobody, "-0": Nobody, "-1": Nobody,
		"1000": "1000", "1000:0": "1000:0", "node": "node", "nginx:nginx": "nginx:nginx", "65534:65534": "65534:65534",
	} {
		policy, err := Service{Limits: DefaultLimits()}.Policy(image)
		if err != nil || policy.User != want {
			t.Errorf("USER %q runs as %q, %v; want %q", image, policy.User, err, want)
		}
	}
}

func TestPolicy_LoosensOnlyWhatIsWaived(t *testing.T) {
	service := Service{Limits: DefaultLimits()}
	strict, err := service.Policy("root")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		waivers Waivers
		loosen  func(*Policy)
	}{
		{"writable root", Waivers{WritableRoot: true}, func(p *Policy) { p.ReadOnlyRoot = false }},
		{"root inside", Waivers{RootUser: true}, func(p *Policy) { p.User = "root" }},
		{"root start", Waivers{RootStart: true}, func(p *Policy) {
			p.User, p.ReadOnlyRoot = "root", false
			p.AddedCapabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"}
		}},
		{"every capability there is", Waivers{Capabilities: []string{"SETUID", "CHOWN", "FOWNER", "SETGID", "DAC_OVERRIDE", "CHOWN"}}, func(p *Policy) {
			p.AddedCapabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := strict
			c.loosen(&want)
			service.Waivers = c.waivers
			got, err := service.Policy("root")
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestPolicy_RefusesOtherCapabilities(t *testing.T) {
	for _, capability := range []string{"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "ALL", "CAP_CHOWN", "chown", "", "SYS_PTRACE", "MKNOD"} {
		_, err := Service{Limits: DefaultLimits(), Waivers: Waivers{Capabilities: []string{capability}}}.Policy("")
		problemtest.MustRefuse(t, err, "", 0, "cannot be given")
	}
}

func TestPolicy_RefusesLimitsOfZero(t *testing.T) {
	for _, limits := range []Limits{
		{},
		{NanoCPUs: 1, Processes: 1},
		{MemoryBytes: 1, Processes: 1},
		{MemoryBytes: 1, NanoCPUs: 1},
		{MemoryBytes: -1, NanoCPUs: 1, Processes: 1},
		{MemoryBytes: 1, NanoCPUs: 1, Processes: -1},
	} {
		_, err := Service{Limits: limits}.Policy("")
		problemtest.MustRefuse(t, err, "", 0, "would mean no limit")
	}
}
