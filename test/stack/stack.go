// Package stack runs a whole Berth of its own, with engine and proxy, for the
// tests and benchmarks that need the real thing.
package stack

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"berth/test/claim"
)

// Stack is a running Berth with ports, a subnet and data of its own.
type Stack struct {
	Name      string
	Admin     string // https://127.0.0.1:PORT, for tokens
	Pages     string // https://berth.localhost:PORT, for browsers and whoever signs in
	Apps      string // http://127.0.0.1:PORT, the proxy
	Secure    string // https://127.0.0.1:PORT, the proxy
	Dashboard string // http://127.0.0.1:PORT, the proxy's own
	CA        *x509.CertPool

	Environment []string // what scripts of this stack are run with
	repository  string
	once        sync.Once
	binary      []byte
	binaryErr   error
}

// NoMetadata stands in for the address at which clouds keep credentials: no test asks
// that one. It is the probe's own container.
const NoMetadata = "127.0.0.1:9"

// Options choose what a stack starts with.
type Options struct {
	Place       Place    // of Reserve
	Environment []string // further settings, NAME=value
	Log         io.Writer
}

// Start removes what an earlier run of that name left behind and starts the
// stack with the same scripts that make up runs. The caller must Remove it.
func Start(ctx context.Context, o Options) (*Stack, error) {
	repository, err := findRepository()
	if err != nil {
		return nil, err
	}
	ports, err := claim.Ports("127.0.0.1", 4)
	if err != nil {
		return nil, err
	}
	s := &Stack{
		Name:       o.Place.Name,
		Apps:       "http://127.0.0.1:" + ports[0],
		Secure:     "https://127.0.0.1:" + ports[1],
		Admin:      "https://127.0.0.1:" + ports[2],
		Pages:      "https://berth.localhost:" + ports[2],
		Dashboard:  "http://127.0.0.1:" + ports[3],
		repository: repository,
	}
	s.Environment = append(os.Environ(),
		"BERTH_STACK="+o.Place.Name, "BERTH_SUBNET_POOL="+o.Place.Pool.String(),
		"BERTH_HTTP_PORT="+ports[0], "BERTH_HTTPS_PORT="+ports[1],
		"BERTH_ADMIN_PORT="+ports[2], "BERTH_DASHBOARD_PORT="+ports[3],
		"BERTH_ENV_FILE=/dev/null", // the operator's own settings stay out of the tests
		"BERTH_PROBE_METADATA="+NoMetadata,
	)
	s.Environment = append(s.Environment, o.Environment...)
	s.Remove()
	if err := s.Up(ctx, o.Log); err != nil {
		return nil, errors.Join(err, s.describe())
	}
	return s, s.trust()
}

// Up runs make up's script for this stack; it may be called again.
func (s *Stack) Up(ctx context.Context, log io.Writer) error {
	up := exec.CommandContext(ctx, filepath.Join(s.repository, "scripts", "up"))
	up.Dir, up.Env, up.Stdout, up.Stderr = s.repository, s.Environment, log, log
	if err := up.Run(); err != nil {
		return fmt.Errorf("start stack %s: %w", s.Name, err)
	}
	return nil
}

// Repository is the folder of the checkout.
func (s *Stack) Repository() string { return s.repository }

// Remove removes every container, network, volume and image of the stack, and its rules
// in the firewall.
func (s *Stack) Remove() {
	wall := exec.Command(filepath.Join(s.repository, "scripts", "wall"), "remove")
	wall.Dir, wall.Env = s.repository, append(os.Environ(), "BERTH_STACK="+s.Name, "BERTH_ENV_FILE=/dev/null")
	_ = wall.Run() // there may be none
	label := "label=berth.stack=" + s.Name
	s.removeAll([]string{"ps", "--all", "--quiet", "--filter", label}, "rm", "--force", "--volumes")
	s.removeAll([]string{"network", "ls", "--quiet", "--filter", label}, "network", "rm")
	s.removeAll([]string{"volume", "ls", "--quiet", "--filter", label}, "volume", "rm", "--force")
	s.removeAll([]string{"images", "--all", "--quiet", "--filter", label}, "rmi", "--force")
	_ = os.RemoveAll(filepath.Join(s.repository, ".berth", s.Name))
}

// Docker runs the docker client and returns what it printed.
func Docker(arguments ...string) (string, error) {
	var stderr bytes.Buffer
	command := exec.Command("docker", arguments...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(arguments, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// DockerOutput is Docker with what the client printed as errors too, such as the log of a
// program that logs there.
func DockerOutput(arguments ...string) (string, error) {
	out, err := exec.Command("docker", arguments...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return string(out), nil
}

// Controller is the name of the controller's container.
func (s *Stack) Controller() string { return s.Name + "-berth" }

// Proxy is the name of the proxy's container.
func (s *Stack) Proxy() string { return s.Name + "-traefik" }

// Berth runs a command of the controller inside its container.
func (s *Stack) Berth(arguments ...string) (string, error) {
	return Docker(append([]string{"exec", s.Controller(), "/berth"}, arguments...)...)
}

// Token mints an API token of that scope.
func (s *Stack) Token(scope string) (string, error) {
	return s.Berth("token", "--ttl", "1h", "--scope", scope, "--name", "test-"+rand.Text()[:8])
}

var oneTimePassword = regexp.MustCompile(`one-time password: *([A-Za-z0-9-]+)`)

// OneTimePassword is the one that the first start printed.
func (s *Stack) OneTimePassword() (string, error) {
	out, err := exec.Command("docker", "logs", s.Controller()).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("read the controller's log: %w", err)
	}
	found := oneTimePassword.FindSubmatch(out)
	if found == nil {
		return "", errors.New("the controller's log holds no one-time password")
	}
	return string(found[1]), nil
}

// AdminClient trusts the controller's own certificate and follows no redirect. It
// finds the admin app under every name, as browsers do.
func (s *Stack) AdminClient() *http.Client {
	return &http.Client{
		Timeout: 5 * time.Minute,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: s.CA, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.Admin, "https://"))
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Upload sends an archive as the upload form does, with a token in the place of
// the session; where route is empty, as an update of the app.
func (s *Stack) Upload(ctx context.Context, client *http.Client, token, name, route, fileName string, archive []byte) (*http.Response, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	path := "/admin/apps/" + name + "/update"
	if route != "" {
		path = "/upload"
		_ = form.WriteField("name", name)
		_ = form.WriteField("route", route)
	}
	part, err := form.CreateFormFile("archive", fileName)
	if err != nil {
		return nil, err
	}
	_, _ = part.Write(archive)
	if err := form.Close(); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Admin+path, &body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", form.FormDataContentType())
	return client.Do(request)
}

// API asks the JSON API and decodes its answer into out, which may be nil.
func (s *Stack) API(ctx context.Context, token, method, path string, out any) (status int, err error) {
	return s.Send(ctx, token, method, path, "", out)
}

// Send is API with a JSON body.
func (s *Stack) Send(ctx context.Context, token, method, path, body string, out any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.Admin+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	client := s.AdminClient()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || out == nil {
		return response.StatusCode, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return response.StatusCode, fmt.Errorf("decode %s: %w: %.200s", path, err, answer)
	}
	return response.StatusCode, nil
}

// Zip makes an archive of the named contents; an executable's name ends in "*".
func Zip(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		header := &zip.FileHeader{Name: strings.TrimSuffix(name, "*"), Method: zip.Deflate}
		header.SetMode(0o644)
		if strings.HasSuffix(name, "*") {
			header.SetMode(0o755)
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

// App makes the archive of test/testapp in that mode and version.
func (s *Stack) App(mode, version string) ([]byte, error) {
	files, err := s.AppFiles(mode, version)
	if err != nil {
		return nil, err
	}
	return Zip(files)
}

// AppFiles are the contents of such an archive. Mode and version are files, so
// that one compiled program serves all.
func (s *Stack) AppFiles(mode, version string) (map[string][]byte, error) {
	binary, err := s.testApp()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"app*":       binary,
		"mode":       []byte(mode),
		"version":    []byte(version),
		"Dockerfile": []byte("FROM scratch\nCOPY app mode version /\nEXPOSE 8000\nCMD [\"/app\"]\n"),
	}, nil
}

// testApp is the compiled test/testapp.
func (s *Stack) testApp() ([]byte, error) {
	s.once.Do(func() {
		binary := filepath.Join(s.repository, ".berth", s.Name, "testapp")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./test/testapp")
		build.Dir = s.repository
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			s.binaryErr = fmt.Errorf("build test app: %w: %s", err, out)
			return
		}
		s.binary, s.binaryErr = os.ReadFile(binary)
	})
	return s.binary, s.binaryErr
}

func (s *Stack) trust() error {
	folder, err := os.MkdirTemp("", "berth-ca-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "admin.crt")
	if _, err := Docker("cp", s.Controller()+":/data/tls/admin.crt", file); err != nil {
		return err
	}
	certificate, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s.CA = x509.NewCertPool()
	if !s.CA.AppendCertsFromPEM(certificate) {
		return errors.New("the controller's certificate cannot be read")
	}
	return nil
}

// describe says what the stack's containers printed last.
func (s *Stack) describe() error {
	var last []string
	for _, container := range []string{s.Controller(), s.Proxy()} {
		out, _ := exec.Command("docker", "logs", "--tail", "40", container).CombinedOutput()
		last = append(last, container+":\n"+string(out))
	}
	return errors.New(strings.Join(last, "\n"))
}

func (s *Stack) removeAll(list []string, remove ...string) {
	out, err := Docker(list...)
	if err != nil || out == "" {
		return
	}
	_, _ = Docker(append(remove, strings.Fields(out)...)...)
}

func findRepository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "docker-compose.yml")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("run from inside the checkout")
}
