//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

const publicHost = "admin.berth-test.example"

// TestPublicHost_LeadsToTheAdminAppThroughTheProxyAlone starts a stack of its own whose admin app has a public host, with
// the proxy's default certificate, and tries it as its operator and as its attackers would.
func TestPublicHost_LeadsToTheAdminAppThroughTheProxyAlone(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	place, err := stack.Reserve("berth-public")
	if err != nil {
		t.Fatal(err)
	}
	started, err := stack.Start(ctx, stack.Options{Place: place, Log: os.Stdout, Environment: []string{
		"BERTH_ADMIN_PUBLIC_HOST=" + publicHost, "BERTH_RATELIMIT_DEFAULT=150/1h",
		"BERTH_ADMIN_PASSWORD=" + newPassword,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Remove)
	p := &public{stack: started}
	p.waits(t, http.StatusOK)
	t.Run("plain http is sent to https", p.plain)
	t.Run("a person signs in and deploys", p.deploys)
	t.Run("apps do not reach the listener", p.apart)
	t.Run("no app gets the name", p.reserved)
	t.Run("a flood of one address limits that address alone", p.flood)
	t.Run("an address that is not on the list gets a 404", func(t *testing.T) {
		p.restart(ctx, t, "BERTH_ADMIN_PUBLIC_ALLOW=198.51.100.0/24")
		p.waits(t, http.StatusNotFound)
	})
	t.Run("without the setting there is nothing", func(t *testing.T) {
		p.restart(ctx, t, "BERTH_ADMIN_PUBLIC_ALLOW=", "BERTH_ADMIN_PUBLIC_HOST=")
		p.waits(t, http.StatusNotFound)
	})
}

type public struct {
	stack  *stack.Stack
	client *http.Client // signed in
	name   string       // of the app
}

// browser finds the proxy under every name, keeps cookies and follows no redirect.
func (p *public) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: publicHost},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(p.stack.Secure, "https://"))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Jar: jar, Transport: transport, Timeout: patience.Of(2 * time.Minute),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// waits until the login page of the public host answers with the status.
func (p *public) waits(t *testing.T, want int) {
	t.Helper()
	client, status, page := p.browser(t), 0, ""
	if !patience.Eventually(time.Minute, func() bool {
		time.Sleep(time.Second) // each try counts
		response, err := client.Get("https://" + publicHost + "/login")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		status, page = response.StatusCode, string(text)
		return status == want && strings.Contains(page, "csrf_token") == (want == http.StatusOK)
	}) {
		t.Fatalf("the public host answers with %d, want %d: %.300s", status, want, page)
	}
}

// read asks the proxy once under a host.
func (p *public) read(t *testing.T, base, host, path string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	client := &http.Client{
		Timeout:       patience.Of(20 * time.Second),
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	read, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(read)
}

func (p *public) restart(ctx context.Context, t *testing.T, environment ...string) {
	t.Helper()
	p.stack.Environment = append(p.stack.Environment, environment...)
	if err := p.stack.Up(ctx, os.Stdout); err != nil {
		t.Fatal(err)
	}
}

func (p *public) plain(t *testing.T) {
	response := ask(t, p.stack.Apps, publicHost, "/login", nil)
	response.Body.Close()
	if response.StatusCode != http.StatusPermanentRedirect && response.StatusCode != http.StatusMovedPermanently || !strings.HasPrefix(response.Header.Get("Location"), "https://"+publicHost) || len(response.Cookies()) > 0 {
		t.Errorf("%d to %q", response.StatusCode, response.Header.Get("Location"))
	}
}

func (p *public) deploys(t *testing.T) {
	p.client = p.browser(t)
	base := "https://" + publicHost
	response, err := p.client.PostForm(base+"/login", url.Values{"csrf_token": {formToken(t, p.client, base+"/login")}, "password": {newPassword}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	cookies := response.Cookies()
	if response.StatusCode != http.StatusSeeOther || len(cookies) != 1 || cookies[0].Name != "__Host-berth" || !cookies[0].Secure || cookies[0].Domain != "" {
		t.Fatalf("sign in: %d %v", response.StatusCode, cookies)
	}
	files, err := p.stack.AppFiles("serve", "v1")
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 30<<20)
	_, _ = rand.Read(large)
	files["large.bin"] = large
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	p.name = "through"
	location := p.upload(t, archive, formToken(t, p.client, base+"/upload"))
	p.follow(t, base+location+"/events")
	if !patience.Eventually(2*time.Minute, func() bool {
		_, text := p.read(t, p.stack.Apps, "127.0.0.1", "/through/")
		return strings.Contains(text, "testapp v1")
	}) {
		t.Fatal("the app never answered")
	}
}

// upload sends the archive by the form, and returns the path of its release.
func (p *public) upload(t *testing.T, archive []byte, token string) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("csrf_token", token)
	_ = form.WriteField("name", p.name)
	_ = form.WriteField("route", "/"+p.name)
	part, err := form.CreateFormFile("archive", "app.zip")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(archive)
	_ = form.Close()
	response, err := p.client.Post("https://"+publicHost+"/upload", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	location, _, _ := strings.Cut(response.Header.Get("Location"), "#")
	if response.StatusCode != http.StatusSeeOther || !strings.Contains(location, "/releases/") {
		t.Fatalf("upload of %d bytes: %d to %q: %.500s", len(archive), response.StatusCode, location, text)
	}
	return location
}

// follow reads what the stream of a release says first.
func (p *public) follow(t *testing.T, address string) {
	t.Helper()
	response, err := p.client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") || line == "" {
		t.Errorf("the stream: %d %q %v", response.StatusCode, line, err)
	}
}

// apart lets an app, and a neighbour on the proxy's own network, dial the listener.
func (p *public) apart(t *testing.T) {
	controller := p.address(t, p.stack.Controller())
	if status, text := p.read(t, p.stack.Apps, "127.0.0.1", "/"+p.name+"/dial?address="+controller+":8002"); status != http.StatusConflict || strings.Contains(text, "reached") {
		t.Errorf("an app reached the listener: %d %s", status, text)
	}
	printed, err := p.neighbour(fmt.Sprintf("exec 3<>/dev/tcp/%s/8002 && printf 'GET /login HTTP/1.1\\r\\nHost: %s\\r\\nX-Forwarded-For: 192.0.2.1\\r\\nX-Forwarded-Proto: https\\r\\n\\r\\n' >&3 && timeout 5 cat <&3 | head -c 200; true", controller, publicHost))
	if err != nil || strings.Contains(printed, "HTTP/") {
		t.Errorf("a neighbour of the proxy was heard: %q %v", printed, err)
	}
}

func (p *public) reserved(t *testing.T) {
	token, err := p.stack.Token("admin")
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range []string{publicHost, "x." + publicHost, publicHost + "/shop"} {
		status, err := p.stack.Send(context.Background(), token, http.MethodPost, "/api/v1/apps/"+p.name+"/routes", fmt.Sprintf(`{"route":%q}`, route), nil)
		if err != nil || status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", route, status, err)
		}
	}
	// The app's route has no host, and so answers on every other one.
	for _, host := range []string{publicHost, "x." + publicHost} {
		if _, text := p.read(t, p.stack.Secure, host, "/"+p.name+"/"); strings.Contains(text, "testapp") {
			t.Errorf("the app answers on %s", host)
		}
	}
}

// flood asks from an address of its own, and says that it comes from everywhere.
func (p *public) flood(t *testing.T) {
	gate := p.address(t, p.stack.Name+"-gate")
	printed, err := p.neighbour(fmt.Sprintf(`for i in $(seq 170); do
		printf 'GET /login HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 198.51.100.%%d\r\nX-Real-Ip: 198.51.100.%%d\r\nForwarded: for=198.51.100.%%d\r\nConnection: close\r\n\r\n' $i $i $i |
			timeout 10 openssl s_client -quiet -servername %s -connect %s:8443 2>/dev/null | head -n 1
	done`, publicHost, publicHost, gate))
	if err != nil {
		t.Fatal(err)
	}
	taken, limited := strings.Count(printed, " 200 "), strings.Count(printed, " 429 ")
	if taken != 150 || limited != 20 {
		t.Errorf("%d were answered and %d limited, want 150 and 20", taken, limited)
	}
	response, err := p.client.Get("https://" + publicHost + "/admin")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the operator elsewhere: %d", response.StatusCode)
	}
	entries, err := stack.Docker("exec", p.stack.Controller(), "/berth", "limits")
	if err != nil || strings.Contains(entries, "198.51.100.") {
		t.Errorf("who is limited: %s %v", entries, err)
	}
}

// neighbour runs a script in a container on the stack's own network.
func (p *public) neighbour(script string) (string, error) {
	return stack.Docker("run", "--rm", "--network", p.stack.Name+"-0-edge", "--label", "berth.stack="+p.stack.Name,
		"--cap-drop", "ALL", "berth-debian:bookworm", "bash", "-c", script)
}

// address is that of a container on the stack's own network.
func (p *public) address(t *testing.T, container string) string {
	t.Helper()
	found, err := stack.Docker("inspect", "--format", `{{(index .NetworkSettings.Networks "`+p.stack.Name+`-0-edge").IPAddress}}`, container)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
