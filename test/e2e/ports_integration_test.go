//go:build integration

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

// twoServices is a compose app: web answers HTTP, and lines speaks TCP and UDP and has data.
func twoServices(t *testing.T, web, lines string) []byte {
	t.Helper()
	files := map[string][]byte{"compose.yml": []byte(`services:
  web:
    build: web
    ports: ["8000"]
  lines:
    build: lines
    ports: ["2222:2222", "25565:25565/udp"]
    volumes: [data:/data]
volumes:
  data:
`)}
	for service, version := range map[string]string{"web": web, "lines": lines} {
		mode := ""
		if service == "lines" {
			mode = "lines"
		}
		own, err := berth.AppFiles(mode, version)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range own {
			files[service+"/"+name] = content
		}
	}
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// ported sends a request about the public ports of an app.
func (o *operator) ported(method, path, body string) (status int, answer struct {
	Ports []struct {
		Port     int
		Protocol string
		State    string
	}
	Error struct{ Message string }
},
) {
	o.t.Helper()
	status, err := berth.Send(o.t.Context(), o.token, method, "/api/v1/apps/"+path, body, &answer)
	if err != nil {
		o.t.Fatal(err)
	}
	return status, answer
}

// hears is what a new connection to a port of this machine hears first; empty where it is
// closed.
func hears(t *testing.T, port string) string {
	t.Helper()
	connection, err := net.DialTimeout("tcp", "127.0.0.1:"+port, patience.Of(5*time.Second))
	if err != nil {
		return ""
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(10 * time.Second)))
	buffer := make([]byte, 100)
	n, err := connection.Read(buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "nothing, and it stays open"
	}
	if n > 0 {
		fmt.Fprintln(connection, "and back")
		if _, err := io.ReadFull(connection, buffer[n:n+9]); err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(buffer[:n])) + " " + strings.TrimSpace(string(buffer[n:n+9]))
	}
	return ""
}

// datagram is the answer of a port of this machine over UDP; empty where there is none.
func datagram(t *testing.T, port string) string {
	t.Helper()
	connection, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	buffer := make([]byte, 100)
	for range 3 {
		_, _ = io.WriteString(connection, "ping")
		_ = connection.SetReadDeadline(time.Now().Add(patience.Of(500 * time.Millisecond)))
		if n, err := connection.Read(buffer); err == nil {
			return string(buffer[:n])
		}
	}
	return ""
}

func TestPorts_LeadToOneServiceOfOneAppThroughItsWholeLife(t *testing.T) {
	o := newOperator(t)
	port := publicPorts[0]
	says := func(version string) {
		t.Helper()
		want, datagrams := "", ""
		if version != "" {
			want, datagrams = "lines "+version+" and back", "lines "+version
		}
		eventually(t, converge, "port "+port+" to say "+want, func() bool { return hears(t, port) == want && datagram(t, port) == datagrams })
	}
	if status, body := o.send("lines", "/lines", "app.zip", twoServices(t, "v1", "v1")); status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", status, body)
	}
	t.Cleanup(func() {
		o.remove("lines")
		docker(t, "volume", "rm", berth.Name+"-vol-lines_data")
	})
	if release := o.wait("lines"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	says("")
	for _, body := range []string{
		fmt.Sprintf(`{"port": %q, "service": "lines", "target": 2222}`, port), fmt.Sprintf(`{"port": "%s/udp", "service": "lines", "target": 25565}`, port),
	} {
		if status, answer := o.ported(http.MethodPost, "lines/ports", body); status != http.StatusCreated {
			t.Fatalf("%s: %d %+v", body, status, answer)
		}
	}
	says("v1")
	for _, instance := range instancesOf(t, "lines") {
		if got := docker(t, "inspect", "--format", "{{len .HostConfig.PortBindings}} {{.HostConfig.PublishAllPorts}}", instance); got != "0 false" {
			t.Errorf("%s publishes ports: %s", instance, got)
		}
	}

	if release := o.deploy("other", "lines", "other"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	stolen := fmt.Sprintf(`{"port": %q, "target": 2222}`, port)
	if status, answer := o.ported(http.MethodPost, "other/ports", stolen); status != http.StatusConflict {
		t.Errorf("another app's claim: %d %+v", status, answer)
	}
	if status, answer := o.ported(http.MethodPost, "other/ports", `{"port": "22", "target": 2222}`); status != http.StatusConflict {
		t.Errorf("a port that is not allowed: %d %+v", status, answer)
	}

	// The service with data goes on as it is, under the name of the next release; then it is replaced.
	for _, versions := range [][2]string{{"v2", "v1"}, {"v3", "v2"}} {
		if status, body := o.send("lines", "", "app.zip", twoServices(t, versions[0], versions[1])); status != http.StatusSeeOther {
			t.Fatalf("upload: %d %s", status, body)
		}
		if release := o.wait("lines"); release.State != "live" {
			t.Fatalf("release is %+v", release)
		}
		answers(t, converge, "/lines/", "testapp "+versions[0])
		says(versions[1])
	}

	o.act("lines", "stop")
	says("")
	if _, answer := o.ported(http.MethodGet, "lines/ports", ""); len(answer.Ports) != 2 || answer.Ports[0].State != "off" {
		t.Errorf("the ports are %+v", answer.Ports)
	}
	o.act("lines", "start")
	says("v2")

	for _, protocol := range []string{"tcp", "udp"} {
		if status, answer := o.ported(http.MethodDelete, "lines/ports/"+protocol+"/"+port, ""); status != http.StatusOK {
			t.Fatalf("remove: %d %+v", status, answer)
		}
	}
	says("")
	if status, answer := o.ported(http.MethodPost, "other/ports", stolen); status != http.StatusCreated {
		t.Fatalf("the free port: %d %+v", status, answer)
	}
	eventually(t, converge, "the port to lead to the other app", func() bool { return hears(t, port) == "lines other and back" })
}
