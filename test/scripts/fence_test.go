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
