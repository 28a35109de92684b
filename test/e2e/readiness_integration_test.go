//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

// deployWith uploads the test app in that mode with more fields of the form, and waits for
// its end. A health check, where there is one, is added to its Dockerfile.
func (o *operator) deployWith(name, mode, health string, fields map[string]string) releaseState {
	o.t.Helper()
	files, err := berth.AppFiles(mode, "v1")
	if err != nil {
		o.t.Fatal(err)
	}
	files["Dockerfile"] = append(files["Dockerfile"], health...)
	o.sendForm(name, files, fields)
	return o.wait(name)
}

// sendForm uploads files as a new app, with more fields of the form.
func (o *operator) sendForm(name string, files map[string][]byte, fields map[string]string) {
	o.t.Helper()
	archive, err := stack.Zip(files)
	if err != nil {
		o.t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("name", name)
	_ = form.WriteField("route", "/"+name)
	for field, value := range fields {
		_ = form.WriteField(field, value)
	}
	part, _ := form.CreateFormFile("archive", "app.zip")
	_, _ = part.Write(archive)
	_ = form.Close()
	request, _ := http.NewRequestWithContext(o.t.Context(), http.MethodPost, berth.Admin+"/api/v1/apps", &body)
	request.Header.Set("Authorization", "Bearer "+o.token)
	request.Header.Set("Content-Type", form.FormDataContentType())
	response, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusCreated {
		o.t.Fatalf("upload of %s: %d %s", name, response.StatusCode, text)
	}
	o.t.Cleanup(func() { o.remove(name) })
}

func TestReadiness_ASlowStartIsWaitedForAsTheHealthCheckSays(t *testing.T) {
	o := newOperator(t)
	began := time.Now()
	release := o.deployWith("sluggish", "late", "HEALTHCHECK --start-period=120s --interval=5s CMD [\"/app\", \"health\"]\n", nil)
	if release.State != "live" || time.Since(began) < time.Minute {
		t.Fatalf("after %s the release is %+v", time.Since(began), release)
	}
	answers(t, 2*time.Second, "/sluggish/", "testapp v1")
}

func TestReadiness_AFailingHealthCheckShowsWhatItPrinted(t *testing.T) {
	o := newOperator(t)
	for name, dockerfile := range map[string]string{
		"uncurled":  "FROM python:3.11-slim\nEXPOSE 8000\nHEALTHCHECK --interval=2s --retries=3 CMD curl -f http://localhost:8000/\nCMD [\"python3\",\"-m\",\"http.server\",\"8000\",\"-d\",\"/tmp\"]\n",
		"unshelled": "FROM python:3.11-slim\nEXPOSE 8000\nHEALTHCHECK --interval=2s CMD [\"curl\", \"-f\", \"http://localhost:8000/\"]\nCMD [\"python3\",\"-m\",\"http.server\",\"8000\",\"-d\",\"/tmp\"]\n",
	} {
		o.sendForm(name, map[string][]byte{"Dockerfile": []byte(dockerfile)}, map[string]string{"start_time": "20s"})
		release := o.wait(name)
		if release.State != "failed" || !strings.Contains(release.Reason, "not found") || !strings.Contains(release.Hint, "does not hold curl") {
			t.Errorf("%s: release is %+v", name, release)
		}
		if log := o.logOf(name, 1); !strings.Contains(log, "health check: ") {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
}

func TestReadiness_AServiceThatOnlySpeaksGRPCIsRouted(t *testing.T) {
	o := newOperator(t)
	if release := o.deployWith("calls", "grpc", "", map[string]string{"scheme": "h2c"}); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	var only http.Protocols
	only.SetHTTP2(true)
	transport := &http.Transport{Protocols: &only, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // Berth's own certificate
	defer transport.CloseIdleConnections()
	const message = "\x00\x00\x00\x00\x05hello"
	eventually(t, 5*time.Second, "the call to be answered", func() bool {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, berth.Secure+"/calls/echo.Echo/Say", strings.NewReader(message))
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Te", "trailers")
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Log(err)
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		t.Logf("%s %q, trailer %v, %v", response.Status, body, response.Trailer, err)
		return err == nil && string(body) == message && response.Trailer.Get("Grpc-Status") == "0"
	})
}

func TestReadiness_AServiceThatOnlySpeaksWebSocketIsRouted(t *testing.T) {
	o := newOperator(t)
	if release := o.deployWith("chatty", "websocket", "", nil); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	address := strings.TrimPrefix(berth.Apps, "http://")
	eventually(t, 5*time.Second, "the line to come back", func() bool {
		connection, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(connection, "GET /chatty/ HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address)
		reader := bufio.NewReader(connection)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			return false
		}
		fmt.Fprintln(connection, "hello there")
		line, _ := reader.ReadString('\n')
		return line == "hello there\n"
	})
}

func TestReadiness_APortThatAcceptsIsEnough(t *testing.T) {
	o := newOperator(t)
	if release := o.deployWith("greeter", "line", "", map[string]string{"ready": "tcp"}); release.State != "live" {
		t.Errorf("release is %+v", release)
	}
}
