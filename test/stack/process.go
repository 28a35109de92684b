package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"berth/test/claim"
	"berth/test/patience"
)

const (
	proxyUser   = 65532
	processWait = 20 * time.Second
)

// Process is a Berth that runs as a child of this program, with a proxy of its own. It
// reaches the engine through a socket at which a test can stand.
type Process struct {
	*Stack
	place   Place
	folder  string
	program string
	engine  string // the socket
	// transfer is the folder of the volume for sockets to helpers; empty: there is none.
	transfer string

	mu      sync.Mutex
	command *exec.Cmd
	printed *bytes.Buffer // by the last process
}

// NewProcess compiles the program into the folder, which holds all data of the process
// too, and removes what an earlier run of that place left behind. Nothing runs yet.
func NewProcess(place Place, folder, engine string) (*Process, error) {
	repository, err := findRepository()
	if err != nil {
		return nil, err
	}
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		return nil, err
	}
	p := &Process{
		Stack: &Stack{Name: place.Name, Admin: "https://127.0.0.1:" + ports[0], Apps: "http://" + place.Proxy + ":8000", repository: repository},
		place: place, folder: folder, program: filepath.Join(folder, "berth"), engine: engine,
	}
	p.Remove()
	// As scripts/image does, because the program also works in volumes.
	build := exec.Command("go", "build", "-trimpath", "-tags", "netgo osusergo sqlite_omit_load_extension nomsgpack",
		"-ldflags", "-s -w -linkmode external -extldflags -static", "-o", p.program, "./cmd/berth")
	build.Dir, build.Env = repository, append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program: %w: %s", err, out)
	}
	for name, user := range map[string]int{"proxy": proxyUser, "acme": proxyUser, "data": 0} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			return nil, err
		}
		if os.Geteuid() != 0 {
			continue
		}
		if err := os.Chown(filepath.Join(folder, name), user, user); err != nil {
			return nil, err
		}
	}
	if err := p.makeTransfer(); err != nil {
		return nil, err
	}
	_, err = Docker("network", "create", "--subnet", p.edge(), "--label", "berth.stack="+p.Name, "--label", "berth.role=edge", p.Name+"-0-edge")
	return p, err
}

// makeTransfer makes the volume for sockets to helpers, as the compose file does. Only root
// can use it from outside a container: without it, the bytes go through the engine.
func (p *Process) makeTransfer() (err error) {
	if os.Geteuid() != 0 {
		return nil
	}
	name := p.Name + "-transfer"
	if _, err = Docker("volume", "create", "--label", "berth.stack="+p.Name, "--label", "berth.role=transfer", name); err != nil {
		return err
	}
	folder, err := Docker("volume", "inspect", "--format", "{{.Mountpoint}}", name)
	if err != nil {
		return err
	}
	p.transfer = filepath.Join(os.TempDir(), name) // short: the path of a socket has 108 bytes at most
	_ = os.Remove(p.transfer)
	return os.Symlink(folder, p.transfer)
}

// Data is the folder that holds the ledger and the uploads.
func (p *Process) Data() string { return filepath.Join(p.folder, "data") }

// edge is the network between proxy and controller: the first /27 of the pool.
func (p *Process) edge() string { return p.place.Pool.Addr().String() + "/27" }

// StartProxy comes after the first Start, which writes what the proxy reads.
func (p *Process) StartProxy() error {
	user := os.Geteuid()
	if user == 0 {
		user = proxyUser
	}
	_, err := Docker("run", "--detach", "--name", p.Proxy(), "--label", "berth.stack="+p.Name, "--label", "berth.role=proxy",
		"--network", p.Name+"-0-edge", "--ip", p.place.Proxy, "--user", fmt.Sprint(user),
		"--volume", filepath.Join(p.folder, "proxy")+":/proxy:ro", "--volume", filepath.Join(p.folder, "acme")+":/acme", os.Getenv("BERTH_TRAEFIK_IMAGE"), "--configFile=/proxy/traefik.yml")
	return err
}

// GiveProxyCertificates makes the proxy the owner of the certificates that a restore has
// brought back: a real stack restores as the user whom the proxy runs as.
func (p *Process) GiveProxyCertificates() error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(filepath.Join(p.folder, "acme", "acme.json"), proxyUser, proxyUser)
}

// Token mints an API token of that scope.
func (p *Process) Token(scope string) (string, error) {
	out, err := p.run("token", "--ttl", "24h", "--scope", scope, "--name", "test-"+rand.Text()[:8]).Output()
	return strings.TrimSpace(string(out)), err
}

// Command is a command of the program beside the server, such as a restore.
func (p *Process) Command(arguments ...string) *exec.Cmd { return p.run(arguments...) }

// run is a command of the program with the settings of the process.
func (p *Process) run(arguments ...string) *exec.Cmd {
	command := exec.Command(p.program, arguments...)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.folder, "DOCKER_HOST=unix://" + p.engine,
		"BERTH_STACK=" + p.Name, "BERTH_DATA_FOLDER=" + p.Data(), "BERTH_PROXY_FOLDER=" + filepath.Join(p.folder, "proxy"),
		"BERTH_ACME_FOLDER=" + filepath.Join(p.folder, "acme"), "BERTH_TRANSFER_FOLDER=" + p.transfer,
		"BERTH_ADMIN_LISTEN=" + strings.TrimPrefix(p.Admin, "https://"), "BERTH_EDGE_SUBNET=" + p.edge(),
		"BERTH_PROXY_ADDRESS=" + p.place.Proxy, "BERTH_SUBNET_POOL=" + p.place.Pool.String(),
		"BERTH_RATELIMIT_UPLOAD=10000/1h", "BERTH_RATELIMIT_UPDATE=10000/1h", "BERTH_RATELIMIT_DEFAULT=1000000/1h",
		"BERTH_RATELIMIT_CONTAINERS=1000000/1h", "BERTH_LOG_LEVEL=debug", "BERTH_PROBE_METADATA=" + NoMetadata,
	}
	return command
}

// StartBroker puts the broker at the socket of the process, in front of the engine's own,
// until end is called. It comes before Start.
func (p *Process) StartBroker(engine string) (end func(), err error) {
	command := p.run("broker", "--listen", p.engine, "--engine", engine)
	if err := command.Start(); err != nil {
		return nil, err
	}
	end = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	if !patience.Eventually(processWait, func() bool { _, err := os.Stat(p.engine); return err == nil }) {
		end()
		return nil, errors.New("the broker has opened no socket")
	}
	return end, nil
}

// Start starts the process and waits until it answers.
func (p *Process) Start() error {
	printed := &bytes.Buffer{}
	command := p.run("serve")
	command.Stdout, command.Stderr = printed, printed
	if err := command.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.command, p.printed = command, printed
	p.mu.Unlock()
	if patience.Eventually(processWait, func() bool { return p.healthy() == nil }) {
		return nil
	}
	err := p.healthy()
	return fmt.Errorf("the process does not answer: %w\n%s", err, p.Log())
}

func (p *Process) healthy() error {
	if p.CA == nil {
		certificate, err := os.ReadFile(filepath.Join(p.Data(), "tls", "admin.crt"))
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(certificate) {
			return errors.New("the certificate is not whole")
		}
		p.CA = pool
	}
	client := p.AdminClient()
	client.Timeout = patience.Of(time.Second)
	defer client.CloseIdleConnections()
	response, err := client.Get(p.Admin + "/healthz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s", response.Status)
	}
	return nil
}

// Kill ends the process as a power cut would, and waits until it is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
	p.command = nil
}

// ID is the number of the process; 0 where none runs.
func (p *Process) ID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command == nil {
		return 0
	}
	return p.command.Process.Pid
}

// Log is what the last process printed. It is whole once the process is gone.
func (p *Process) Log() string {
	p.Kill()
	return p.printed.String()
}

// Deploy uploads files as a new release of an app; an empty route is for an update.
func (p *Process) Deploy(ctx context.Context, token, name, route string, files map[string][]byte) error {
	archive, err := Zip(files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience.Of(time.Minute))
	defer cancel()
	client := p.AdminClient()
	defer client.CloseIdleConnections()
	response, err := p.Upload(ctx, client, token, name, route, "app.zip", archive)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("upload: %s", response.Status)
	}
	return nil
}
