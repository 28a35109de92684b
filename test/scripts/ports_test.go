package scripts

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestSettings_PublishThePortsThatTheOperatorAllows(t *testing.T) {
	m := newMachine(t)
	if output, ended := m.run("settings"); !ended || strings.Contains(m.read(".berth/berth/compose.json"), "traefik") {
		t.Fatalf("without ports: %s", output)
	}
	if output, ended := m.run("settings", "BERTH_PORTS=2222, 25565/UDP,30000-30002/tcp"); !ended {
		t.Fatal(output)
	}
	var written struct {
		Services struct {
			Traefik struct{ Ports []string }
			Berth   struct{ Environment map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(m.read(".berth/berth/compose.json")), &written); err != nil {
		t.Fatal(err)
	}
	want := []string{"2222:2222/tcp", "25565:25565/udp", "30000:30000/tcp", "30001:30001/tcp", "30002:30002/tcp"}
	if !slices.Equal(written.Services.Traefik.Ports, want) {
		t.Errorf("published are %q", written.Services.Traefik.Ports)
	}
	if _, handed := written.Services.Berth.Environment["BERTH_PORTS"]; !handed {
		t.Error("the controller does not get BERTH_PORTS")
	}
}

func TestSettings_RefusePortsByName(t *testing.T) {
	for value, want := range map[string]string{
		"ssh":              "holds 'ssh'",
		"70000":            "holds '70000'",
		"2222:22":          "holds '2222:22'",
		`2222","x`:         `holds '2222"'`,
		"22/sctp":          "holds '22/sctp'",
		"80":               "port 80, which belongs to Berth",
		"8079-8082":        "port 8080, which belongs to Berth",
		"9443":             "port 9443, which belongs to Berth",
		"30000-30064":      "more than 64 ports",
		"1-65535":          "more than 64 ports",
		"20000-20063,2222": "more than 64 ports",
	} {
		m := newMachine(t)
		output, ended := m.run("settings", "BERTH_PORTS="+value, "BERTH_HTTPS_PORT=9443")
		if ended || !strings.Contains(output, want) {
			t.Errorf("%s: %s", value, output)
		}
	}
}
