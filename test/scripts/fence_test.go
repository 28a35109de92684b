package scripts

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const earlierSettings = `{
  "live-restore": true,
  "builder": { "gc": { "enabled": true, "defaultKeepStorage": "10GB" } }
}
`

// fencing is a machine whose engine has the settings, and whose firewall writes down what it is given.
func fencing(t *testing.T, settings string) machine {
	t.Helper()
	m := newMachine(t)
	if settings != "" {
		m.write("etc/daemon.json", settings)
	}
	m.program("nft", `cat >>"`+m.path("nft")+`"`)
	m.program("docker", `case "$*" in *bridge*) echo docker7 ;; *) echo systemd ;; esac`)
	return m
}

// writtenSettings are those of a fresh install.
func writtenSettings(t *testing.T) string {
	t.Helper()
	m := newMachine(t)
	m.write("settings", "#!/usr/bin/env bash\n. scripts/stack.sh\n. scripts/engine-own.sh\ndaemon_settings_text\n")
	command := exec.CommandContext(t.Context(), "bash", m.path("settings"))
	command.Dir, command.Env = m.folder, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.folder}
	text, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFirewall_FencesTheEngineThatMakeUpConfiguredAndNoOther(t *testing.T) {
	written := writtenSettings(t)
	for name, test := range map[string]struct {
		settings string
		says     string
		fenced   bool
	}{
		"fresh":               {written, "", true},
		"of an earlier Berth": {earlierSettings, "", true},
		"an administrator's":  {`{"debug": true}`, "", false},
		"edited since":        {strings.Replace(written, "10GB", "20GB", 1), "", false},
		"no settings":         {"", "", false},
		"told to":             {`{"debug": true}`, "BERTH_FENCE_BUILDS=yes", true},
		"told not to":         {written, "BERTH_FENCE_BUILDS=no", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := fencing(t, test.settings)
			var more []string
			if test.says != "" {
				more = append(more, test.says)
			}
			output, ended := m.run("firewall", more...)
			rules := m.read("nft")
			if !ended || strings.Contains(rules, `iifname "docker7" jump from_builds`) != test.fenced {
				t.Errorf("fenced in: %q\n%s", rules, output)
			}
			if !test.fenced && !strings.Contains(output, "Builds reach the services of this machine") {
				t.Errorf("it does not say what is missing: %s", output)
			}
		})
	}
}

func TestFirewall_SaysWhereTheKernelTakesNoRules(t *testing.T) {
	m := fencing(t, earlierSettings)
	m.program("nft", "echo 'Operation not supported' >&2; exit 1")
	output, ended := m.run("firewall")
	if !ended || !strings.Contains(output, "not kept apart") || !strings.Contains(output, "Operation not supported") {
		t.Errorf("ended well: %v, %s", ended, output)
	}
}

func TestBudgets_AreNotClaimedWhereThereAreNone(t *testing.T) {
	for name, settings := range map[string]string{"an administrator's": `{"debug": true}`, "an engine on systemd": earlierSettings} {
		m := fencing(t, settings)
		output, ended := m.run("budgets")
		if !ended || !strings.Contains(output, "Builds may take all memory") {
			t.Errorf("%s: ended well: %v, %s", name, ended, output)
		}
	}
}

func TestBudgets_RefuseWhatIsNoNumber(t *testing.T) {
	for _, setting := range []string{"BERTH_BUILD_MEMORY=4", "BERTH_BUILD_MEMORY=0", "BERTH_BUILD_MEMORY=10m", "BERTH_BUILD_PROCESSES=-1"} {
		m := fencing(t, earlierSettings)
		if output, ended := m.run("budgets", setting); ended || !strings.Contains(output, strings.ReplaceAll(setting, "=", " is '")) {
			t.Errorf("%s: %s", setting, output)
		}
	}
}

// The cgroups are plain files here, and tee stands in for what the kernel refuses: a weight for a group that is idle.
func limiting(t *testing.T, driver string, files ...string) machine {
	t.Helper()
	m := fencing(t, writtenSettings(t))
	m.program("docker", "echo "+driver)
	m.program("nproc", "echo 4")
	m.program("tee", `case $1 in */cpu.weight | */cpu.shares) ! grep -q 1 "${1%/*}/cpu.idle" 2>/dev/null || exit 1 ;; *subtree_control) exec /usr/bin/tee -a "$1" ;; esac; exec /usr/bin/tee "$1"`)
	for _, file := range files {
		m.write("cgroup/"+file, "")
	}
	return m
}

func (m machine) has(t *testing.T, values map[string]string) {
	t.Helper()
	for file, want := range values {
		if got := strings.TrimSpace(m.read("cgroup/" + file)); got != want {
			t.Errorf("%s holds %q, want %q", file, got, want)
		}
	}
}

// The files and their values are those of the kernel's Documentation/admin-guide/cgroup-v2.rst.
func TestBudgets_WriteWhatVersion2OfCgroupsReads(t *testing.T) {
	const group = "docker/buildkit/"
	m := limiting(t, "cgroupfs", "cgroup.controllers", group+"memory.swap.max", group+"io.weight", group+"cpu.idle", "berth/io.weight")
	for range 2 { // a second run changes nothing
		m.write("cgroup/cgroup.subtree_control", "")
		m.write("cgroup/docker/cgroup.subtree_control", "")
		output, ended := m.run("budgets", "BERTH_BUILD_MEMORY=1g", "BERTH_BUILD_PROCESSES=300")
		if !ended || !strings.Contains(output, "1024 MB, 300 processes and 350 % of a processor") {
			t.Fatalf("ended well: %v, %s", ended, output)
		}
		m.has(t, map[string]string{
			"cgroup.subtree_control":         "+memory +pids +cpu\n+io",
			"docker/cgroup.subtree_control":  "+memory +pids +cpu\n+io",
			group + "cgroup.subtree_control": "", // builds are below it, and BuildKit says what they need
			group + "memory.max":             "1073741824",
			group + "memory.swap.max":        "0",
			group + "pids.max":               "300",
			group + "cpu.idle":               "1",
			group + "cpu.weight":             "",
			group + "cpu.max":                "350000 100000",
			group + "io.weight":              "default 4",
			"berth/cpu.weight":               "800", // the apps, beside docker and not in it
			"berth/io.weight":                "default 800",
		})
	}
}

func TestBudgets_GiveALowWeightWhereTheKernelKnowsNoIdleGroups(t *testing.T) {
	second := limiting(t, "cgroupfs", "cgroup.controllers")
	first := limiting(t, "cgroupfs", "cpu/docker/cpu.shares")
	for _, m := range []machine{second, first} {
		if output, ended := m.run("budgets"); !ended || !strings.Contains(output, "for all builds together") {
			t.Errorf("ended well: %v, %s", ended, output)
		}
	}
	second.has(t, map[string]string{"docker/buildkit/cpu.weight": "4", "docker/buildkit/io.weight": "", "docker/buildkit/memory.swap.max": ""})
	first.has(t, map[string]string{"cpu/docker/buildkit/cpu.shares": "64"})
}

func TestBudgets_WriteWhatVersion1OfCgroupsReads(t *testing.T) {
	m := limiting(t, "cgroupfs", "memory/docker/buildkit/memory.memsw.limit_in_bytes", "cpu/docker/buildkit/cpu.idle", "blkio/berth/blkio.bfq.weight")
	for range 2 {
		if output, ended := m.run("budgets", "BERTH_BUILD_MEMORY=1g"); !ended || !strings.Contains(output, "for all builds together") {
			t.Fatalf("ended well: %v, %s", ended, output)
		}
		m.has(t, map[string]string{
			"memory/docker/buildkit/memory.limit_in_bytes":       "1073741824",
			"memory/docker/buildkit/memory.memsw.limit_in_bytes": "1073741824",
			"pids/docker/buildkit/pids.max":                      "2048",
			"cpu/docker/buildkit/cpu.idle":                       "1",
			"cpu/docker/buildkit/cpu.shares":                     "",
			"cpu/docker/buildkit/cpu.cfs_quota_us":               "350000",
			"cpu/berth/cpu.shares":                               "8192",
			"blkio/berth/blkio.bfq.weight":                       "800",
		})
	}
}

func TestBudgets_AreNotClaimedWhereTheKernelRefusesThem(t *testing.T) {
	m := limiting(t, "cgroupfs", "cgroup.controllers")
	m.program("tee", `case $1 in *subtree_control) echo 'Invalid argument' >&2; exit 1 ;; esac; exec /usr/bin/tee "$1"`)
	output, ended := m.run("budgets")
	if !ended || !strings.Contains(output, "Invalid argument") || !strings.Contains(output, "the kernel does not take it") {
		t.Errorf("ended well: %v, %s", ended, output)
	}
	if m.exists(".berth/berth/builds-limited") {
		t.Error("a budget is claimed")
	}
}

// With systemd's driver each build is a scope among those of the apps.
func TestBudgets_NameTheFixWhereSystemdKeepsTheCgroups(t *testing.T) {
	m := limiting(t, "systemd", "cgroup.controllers")
	output, ended := m.run("budgets")
	if !ended || !strings.Contains(output, `"native.cgroupdriver=cgroupfs"`) || m.exists("cgroup/docker/buildkit") {
		t.Errorf("ended well: %v, %s", ended, output)
	}
}

func TestBudgets_GiveAppsAndBerthAGroupOfTheirOwnAndSayWhereThereIsNone(t *testing.T) {
	const file = ".berth/berth/apps-cgroup"
	m := limiting(t, "cgroupfs", "cgroup.controllers")
	if output, ended := m.run("budgets"); !ended || strings.TrimSpace(m.read(file)) != "/berth" {
		t.Fatalf("ended well: %v, %s", ended, output)
	}
	if output, ended := m.run("settings"); !ended || !strings.Contains(m.read(".berth/berth/compose.json"), `"BERTH_CGROUP":"/berth"`) {
		t.Errorf("the controller does not hear of it: %s", output)
	}
	m.program("tee", `case $1 in */berth/*) exit 1 ;; esac; exec /usr/bin/tee "$1"`)
	output, ended := m.run("budgets")
	if !ended || !strings.Contains(output, "for all builds together; apps are beside them in the same cgroup") || m.exists(file) {
		t.Errorf("the kernel refuses it: %v, %s", ended, output)
	}
}

func (m machine) exists(name string) bool {
	_, err := os.Stat(m.path(name))
	return err == nil
}

func TestSettings_TellTheControllerWhatBuildsAreKeptFrom(t *testing.T) {
	m := newMachine(t)
	m.write(".berth/berth/builds-limited", "")
	if output, ended := m.run("settings"); !ended {
		t.Fatal(output)
	}
	if text := m.read(".berth/berth/compose.json"); !strings.Contains(text, `"BERTH_BUILD_LIMITED":"true"`) || strings.Contains(text, "BERTH_BUILD_APART") {
		t.Errorf("settings %s", text)
	}
}

func TestWall_KeepsAppsFromThisMachine(t *testing.T) {
	m := newMachine(t)
	m.program("nft", `cat >>"`+m.path("nft")+`"`)
	output, ended := m.run("wall", "BERTH_STACK=mine", "BERTH_SUBNET_POOL=10.9.0.0/16", "BERTH_HTTP_PORT=8080")
	rules := m.read("nft")
	if !ended {
		t.Fatal(output)
	}
	for _, rule := range []string{
		"table inet berth_apps_mine", "ip saddr 10.9.0.0/16 ip saddr != 10.9.0.0/27 jump from_apps", "tcp dport { 8080, 443 } accept", "ip daddr 169.254.0.0/16 drop",
		`ip saddr 10.9.0.0/16 ip daddr 10.9.0.0/16 oifname != "br-*" drop`,
	} {
		if !strings.Contains(rules, rule) {
			t.Errorf("the rules have no %q:\n%s", rule, rules)
		}
	}
}

func TestWall_SaysWhatAppsReachWithoutIt(t *testing.T) {
	for name, test := range map[string]struct{ nft, setting, says string }{
		"told not to":            {`cat >>/dev/null`, "BERTH_HOST_FIREWALL=off", "as asked for: apps reach every port"},
		"a kernel without rules": {"echo 'Operation not supported' >&2; exit 1", "BERTH_HOST_FIREWALL=on", "this kernel does not take the rules. Apps reach every port"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.program("nft", test.nft)
			if output, ended := m.run("wall", test.setting); !ended || !strings.Contains(output, test.says) {
				t.Errorf("ended well: %v, %s", ended, output)
			}
		})
	}
	m := newMachine(t)
	if output, ended := m.run("wall", "BERTH_HOST_FIREWALL=perhaps"); ended || !strings.Contains(output, "give it on or off") {
		t.Errorf("ended well: %v, %s", ended, output)
	}
}
