package scripts

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestSettings_PublishSSHWhereItIsSwitchedOn(t *testing.T) {
	for name, test := range map[string]struct {
		set  []string
		want []string
	}{
		"off":              {nil, nil},
		"zero":             {[]string{"BERTH_SSH_PORT=0"}, nil},
		"this machine":     {[]string{"BERTH_SSH_PORT=2222"}, []string{"127.0.0.1:2222:2222"}},
		"all addresses":    {[]string{"BERTH_SSH_PORT=2200", "BERTH_SSH_ADDRESS=0.0.0.0"}, []string{"0.0.0.0:2200:2222"}},
		"IPv6":             {[]string{"BERTH_SSH_PORT=2200", "BERTH_SSH_ADDRESS=[::1]"}, []string{"[::1]:2200:2222"}},
		"an address alone": {[]string{"BERTH_SSH_ADDRESS=0.0.0.0"}, nil},
	} {
		m := newMachine(t)
		if output, ended := m.run("settings", test.set...); !ended {
			t.Fatal(output)
		}
		var written struct {
			Services struct {
				Berth struct {
					Ports       []string
					Environment map[string]any
				}
			}
		}
		if err := json.Unmarshal([]byte(m.read(".berth/berth/compose.json")), &written); err != nil {
			t.Fatal(err)
		}
		_, handed := written.Services.Berth.Environment["BERTH_SSH_PORT"]
		if !slices.Equal(written.Services.Berth.Ports, test.want) || handed != (test.want != nil) {
			t.Errorf("%s: published are %q, handed over: %v", name, written.Services.Berth.Ports, handed)
		}
		if _, handed := written.Services.Berth.Environment["BERTH_SSH_ADDRESS"]; handed {
			t.Errorf("%s: the controller gets BERTH_SSH_ADDRESS", name)
		}
	}
}

func TestSettings_RefuseWrongWordsAboutSSH(t *testing.T) {
	for set, want := range map[string]string{
		"BERTH_SSH_PORT=ssh":                         "BERTH_SSH_PORT is 'ssh'",
		"BERTH_SSH_PORT=70000":                       "BERTH_SSH_PORT is '70000'",
		"BERTH_SSH_PORT=22 BERTH_SSH_ADDRESS=all":    "BERTH_SSH_ADDRESS is 'all'",
		`BERTH_SSH_PORT=22 BERTH_SSH_ADDRESS=1","x`:  "BERTH_SSH_ADDRESS is",
		"BERTH_SSH_PORT=2222 BERTH_PORTS=2000-2222":  "BERTH_PORTS holds",
		"BERTH_SSH_PORT=2222 BERTH_PORTS=25565,2222": "port 2222, which belongs to Berth",
	} {
		m := newMachine(t)
		if output, ended := m.run("settings", strings.Fields(set)...); ended || !strings.Contains(output, want) {
			t.Errorf("%s: %s", set, output)
		}
	}
}
