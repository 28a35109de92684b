//go:build integration

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"berth/test/patience"
	"berth/test/stack"
)

// The outside of these tests: a network namespace behind this machine, with a private
// address that is not of the stack.
const (
	outsideName    = "berth-e2e-out"
	outsideMachine = "192.168.233.1"
	outsideAddress = "192.168.233.2"
)

// outside is a server beyond this machine.
type outside struct {
	datagrams atomic.Int64 // that arrived on port 53
	visits    atomic.Int64 // that arrived on port 8000
}

// openOutside answers HTTP on ports 8000 and 8001 there, and counts datagrams.
func openOutside(t *testing.T) *outside {
	t.Helper()
	run := func(arguments ...string) {
		t.Helper()
		if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", arguments, err, out)
		}
	}
	remove := func() {
		_ = exec.Command("ip", "link", "del", "berth-egr0").Run() // the namespace lives as long as its last socket
		_ = exec.Command("ip", "netns", "del", outsideName).Run()
	}
	remove()
	t.Cleanup(remove)
	run("netns", "add", outsideName)
	run("link", "add", "berth-egr0", "type", "veth", "peer", "name", "berth-egr1", "netns", outsideName)
	run("addr", "add", outsideMachine+"/30", "dev", "berth-egr0")
	run("link", "set", "berth-egr0", "up")
	run("-n", outsideName, "addr", "add", outsideAddress+"/30", "dev", "berth-egr1")
	run("-n", outsideName, "link", "set", "berth-egr1", "up")
	run("-n", outsideName, "link", "set", "lo", "up")
	run("-n", outsideName, "route", "add", "default", "via", outsideMachine)
	there := &outside{}
	within(t, func() error {
		for _, port := range []string{"8000", "8001"} {
			listener, err := net.Listen("tcp", outsideAddress+":"+port)
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					there.visits.Add(1)
					fmt.Fprint(w, "outside "+port)
				}))
			}()
		}
		socket, err := net.ListenPacket("udp", outsideAddress+":53")
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = socket.Close() })
		go func() {
			buffer := make([]byte, 1500)
			for {
				_, from, err := socket.ReadFrom(buffer)
				if err != nil {
					return
				}
				there.datagrams.Add(1)
				_, _ = socket.WriteTo([]byte("pong"), from)
			}
		}()
		return nil
	})
	return there
}

// within opens sockets in the namespace: they stay there.
func within(t *testing.T, open func() error) {
	t.Helper()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		namespace, err := os.Open("/run/netns/" + outsideName)
		if err == nil {
			err = unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
			_ = namespace.Close()
		}
		if err == nil {
			err = open()
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

// egress changes where an app may connect to, and waits for the release.
func (o *operator) egress(name, body string) releaseState {
	o.t.Helper()
	status, err := berth.Send(o.t.Context(), o.token, http.MethodPut, "/api/v1/apps/"+name+"/egress", body, nil)
	if err != nil || status != http.StatusCreated {
		o.t.Fatalf("egress of %s: %d, %v", name, status, err)
	}
	release := o.wait(name)
	if release.State != "live" {
		o.t.Fatalf("egress of %s: release is %+v", name, release)
	}
	return release
}

// refusedHosts is what the API says was refused to an app.
func refusedHosts(t *testing.T, token, name string) map[string]int64 {
	t.Helper()
	var answer struct {
		Refused []struct {
			To    string
			Count int64
		}
	}
	if _, err := berth.API(t.Context(), token, http.MethodGet, "/api/v1/apps/"+name+"/egress", &answer); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int64)
	for _, one := range answer.Refused {
		found[one.To] = one.Count
	}
	return found
}

// mustNotLeak tries every direct way out of an app.
func (u *outside) mustNotLeak(t *testing.T, name string, release int64) {
	t.Helper()
	network := fmt.Sprintf("%s-app-%s.r%d", berth.Name, name, release)
	subnet := docker(t, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", network)
	gateway := strings.Replace(subnet, ".0/27", ".1", 1)
	if base, _, cut := strings.Cut(subnet, "/"); cut && gateway == subnet {
		last := base[strings.LastIndexByte(base, '.')+1:]
		number := 0
		_, _ = fmt.Sscan(last, &number)
		gateway = fmt.Sprintf("%s%d", strings.TrimSuffix(base, last), number+1)
	}
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // a service of this machine
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, service, _ := net.SplitHostPort(listener.Addr().String())
	edge := docker(t, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", berth.Name+"-0-edge")
	exit := docker(t, "inspect", "--format", fmt.Sprintf("{{(index .NetworkSettings.Networks %q).IPAddress}}", berth.Name+"-0-egress"), berth.Name+"-egress")
	proxy := address(t, berth.Name+"-traefik", network)
	before, visits := u.datagrams.Load(), u.visits.Load()
	for what, target := range map[string]string{
		"the outside": outsideAddress + ":8000", "the outside's other port": outsideAddress + ":8001",
		"this machine by the outside": outsideMachine + ":" + service, "this machine by its gateway": gateway + ":" + service,
		"this machine by the edge": edge + ":" + service, "the gate": edge + ":" + berth.Apps[strings.LastIndexByte(berth.Apps, ':')+1:],
		"another app by its name": container("neighbour", 1) + ":8000",
		"another app":             address(t, container("neighbour", 1), berth.Name+"-app-neighbour") + ":8000",
		"the proxy's pages":       proxy + ":8000", "the proxy's pages over TLS": proxy + ":8443", // and with them other apps'
		"the proxy on the edge": address(t, berth.Name+"-traefik", berth.Name+"-0-edge") + ":8000",
		"the admin app":         address(t, berth.Controller(), berth.Name+"-0-edge") + ":8001",
		"the exit's other side": exit + ":3128", "the internet over IPv6": "[2001:db8::1]:80",
	} {
		if status, body := visit(t, "/"+name+"/dial?address="+target); status == http.StatusOK {
			t.Errorf("%s reaches %s at %s: %s", name, what, target, body)
		}
	}
	for _, target := range []string{outsideAddress + ":53", outsideMachine + ":53", gateway + ":53"} {
		if status, _ := visit(t, "/"+name+"/datagram?address="+target); status == http.StatusOK {
			t.Errorf("%s reaches %s over UDP", name, target)
		}
	}
	if status, body := visit(t, "/"+name+"/lookup?name=leak.example.com"); status == http.StatusOK {
		t.Errorf("%s is told where leak.example.com is: %s", name, body)
	} else if !strings.Contains(body, "after") || strings.Contains(body, "i/o timeout") {
		t.Errorf("a foreign name is not refused at once: %s", body)
	}
	if got := u.datagrams.Load() - before; got != 0 {
		t.Errorf("%d datagrams of %s arrived outside", got, name)
	}
	if got := u.visits.Load() - visits; got != 0 {
		t.Errorf("%d visits of %s arrived outside", got, name)
	}
}

// lets checks that the list is what is let out, and that the rest is shown soon.
func (u *outside) lets(t *testing.T, o *operator, name string) {
	t.Helper()
	soon(t, "the allowed host answers through the exit", func() bool {
		status, body := visit(t, "/"+name+"/fetch?url=http://"+outsideAddress+":8000/")
		return status == http.StatusOK && body == "outside 8000"
	})
	before := refusedHosts(t, o.token, name)[outsideAddress+":8001"]
	if status, body := visit(t, "/"+name+"/fetch?url=http://"+outsideAddress+":8001/"); status != http.StatusForbidden {
		t.Errorf("a host that is not listed: %d %s", status, body)
	}
	if status, body := visit(t, "/"+name+"/fetch?url=https://evil.example.com/"); status == http.StatusOK || !strings.Contains(body, "Forbidden") {
		t.Errorf("a name that is not listed: %d %s", status, body)
	}
	if status, body := visit(t, "/"+name+"/fetch?url=http://"+container("neighbour", 1)+":8000/"); status == http.StatusOK {
		t.Errorf("another app through the exit: %d %s", status, body)
	}
	for deadline := time.Now().Add(patience.Of(2 * time.Second)); ; time.Sleep(100 * time.Millisecond) {
		found := refusedHosts(t, o.token, name)
		if found[outsideAddress+":8001"] > before && found["evil.example.com:443"] > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("within two seconds only these are shown as refused: %v", found)
			break
		}
	}
}

func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	eventually(t, 20*time.Second, what, holds)
}

// visitsWhile asks an app 50 times a second while change runs, and counts the failures.
func visitsWhile(t *testing.T, path string, change func()) {
	t.Helper()
	stop, ended := make(chan struct{}), make(chan [2]int)
	go func() {
		var sent, failed int
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			select {
			case <-stop:
				tick.Stop()
				ended <- [2]int{sent, failed}
				return
			default:
			}
			sent++
			answer, err := http.Get(berth.Apps + path)
			if err != nil {
				failed++
				continue
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				failed++
			}
		}
	}()
	change()
	time.Sleep(2 * time.Second) // until what was superseded is gone
	close(stop)
	if counted := <-ended; counted[1] != 0 {
		t.Errorf("%d of %d requests failed", counted[1], counted[0])
	} else {
		t.Logf("%d requests, none failed", counted[0])
	}
}

const listed = `{"egress": "list", "egress_hosts": ["` + outsideAddress + `:8000", "*.example.org:443"]}`

func TestEgress_LeadsToTheListAndNowhereElse(t *testing.T) {
	o, there := newOperator(t), openOutside(t)
	o.deploy("neighbour", "", "v1")
	o.deploy("shop", "", "v1")
	if status, body := visit(t, "/shop/dial?address="+outsideAddress+":8000"); status != http.StatusOK {
		t.Fatalf("the test itself is wrong: an open app does not reach the outside: %d %s", status, body)
	}
	visitsWhile(t, "/shop", func() { o.egress("shop", listed) })
	there.lets(t, o, "shop")
	there.mustNotLeak(t, "shop", 2)

	docker(t, "restart", "--time", "1", berth.Proxy())
	docker(t, "kill", berth.Name+"-egress") // for good: the engine starts no killed container again
	soon(t, "the app answers after the restart of the proxy", func() bool { status, _ := visit(t, "/shop"); return status == http.StatusOK })
	there.lets(t, o, "shop")
	there.mustNotLeak(t, "shop", 2)
	docker(t, "rm", "--force", berth.Name+"-egress")
	there.lets(t, o, "shop")

	visitsWhile(t, "/shop", func() { o.egress("shop", `{"egress": "none"}`) })
	there.mustNotLeak(t, "shop", 3)
	if status, body := visit(t, "/shop/environ"); status != http.StatusOK || strings.Contains(body, "PROXY") {
		t.Errorf("an app without a list has proxy variables: %d %s", status, body)
	}
	visitsWhile(t, "/shop", func() { o.egress("shop", `{"egress": "open"}`) })
	if status, body := visit(t, "/shop/dial?address="+outsideAddress+":8000"); status != http.StatusOK {
		t.Errorf("an app that was opened again does not reach the outside: %d %s", status, body)
	}
	soon(t, "the exit is gone when no app needs it", func() bool {
		left, err := stack.Docker("ps", "--all", "--quiet", "--filter", "name="+berth.Name+"-egress")
		return err == nil && left == ""
	})
	visitsWhile(t, "/shop", func() {
		if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/shop/rollback", `{"release": 2}`, nil); err != nil || status != http.StatusCreated {
			t.Fatalf("rollback: %d, %v", status, err)
		}
		o.wait("shop")
	})
	there.lets(t, o, "shop")
	there.mustNotLeak(t, "shop", 5)
}

func TestEgress_HoldsForAllServicesOfAComposeApp(t *testing.T) {
	o, there := newOperator(t), openOutside(t)
	o.deploy("neighbour", "", "v1")
	o.send("duo", "/duo", "app.zip", twoServices(t, "v1", "v1"))
	t.Cleanup(func() { o.remove("duo") })
	if release := o.wait("duo"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	o.egress("duo", listed)
	there.lets(t, o, "duo")
	there.mustNotLeak(t, "duo", 2)
	if status, body := visit(t, "/duo/fetch?url=http://lines:8000/"); status != http.StatusOK || !strings.Contains(body, "testapp v1") {
		t.Errorf("the other service of the app: %d %s", status, body)
	}
	for _, format := range []string{"{{.HostConfig.Dns}}", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"} {
		web, lines := docker(t, "inspect", "--format", format, container("duo", 2)+".web"), docker(t, "inspect", "--format", format, container("duo", 2)+".lines")
		if web != lines || web == "[]" {
			t.Errorf("%s: web has %s, lines has %s", format, web, lines)
		}
	}
}
