// Package scripts tries the scripts of make with programs that stand in for the machine's, and reads what they start.
package scripts

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// machine is a copy of the scripts in a folder of its own, where they keep their state and find the stand-ins first.
type machine struct {
	t      *testing.T
	folder string
}

// newMachine copies the scripts. What they look for in the machine's own folders they look for below the test's.
func newMachine(t *testing.T) machine {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatalf("the scripts need bash: %v", err)
	}
	m := machine{t, t.TempDir()}
	files, err := filepath.Glob(filepath.Join(root, "scripts", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		own := strings.NewReplacer("/etc/docker", m.path("etc"), "/var/run/docker", m.path("run"), "/run/systemd", m.path("systemd"), "/var/log", m.path("log"), "/sys/fs/cgroup", m.path("cgroup")).Replace(string(text))
		m.write(filepath.Join("scripts", filepath.Base(file)), own)
	}
	m.write("log/.keep", "")
	// Root is not needed for what is tried here, nor is the controller's user.
	m.program("sudo", `[ "$1" != -- ] || shift; exec "$@"`)
	m.program("chown", "exit 0")
	m.program("install", `while :; do case $1 in -o | -g) shift 2 ;; *) break ;; esac; done; exec env PATH=/usr/bin:/bin install "$@"`)
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.folder, name) }

func (m machine) write(name, text string) string {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
	return m.path(name)
}

// program makes a program that the scripts find before the machine's.
func (m machine) program(name, text string) {
	m.t.Helper()
	m.write(filepath.Join(".cache/bin", name), "#!/bin/sh\n"+text+"\n")
}

func (m machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(text)
}

// run runs a script with nothing of this environment but the way to the programs.
func (m machine) run(script string, settings ...string) (output string, ended bool) {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), "bash", m.path(filepath.Join("scripts", script)))
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.folder}, settings...)
	text, err := command.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		m.t.Fatal(err)
	}
	return string(text), err == nil
}

// names returns what lies in a folder.
func (m machine) names(folder string) []string {
	m.t.Helper()
	entries, err := os.ReadDir(m.path(folder))
	if err != nil {
		m.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// The engine refuses to start where a directive is both in its file and a flag.
func TestEngine_GetsNoFlagThatItsFileNames(t *testing.T) {
	for name, test := range map[string]struct{ settings, want string }{
		"no file":             {"", "--live-restore --host unix://SOCKET"},
		"what make up writes": {`{"live-restore": true, "builder": {"gc": {"enabled": true}}}`, "--host unix://SOCKET"},
		"the operator's no":   {`{"live-restore" : false}`, "--host unix://SOCKET"},
		"another file":        {`{"debug": true}`, "--live-restore --host unix://SOCKET"},
		"a socket of its own": {`{"hosts": ["unix:///elsewhere"]}`, "--live-restore"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			if test.settings != "" {
				m.write("etc/daemon.json", test.settings)
			}
			m.program("dockerd", `printf '%s' "$*" >"`+m.path("flags.part")+`"; mv "`+m.path("flags.part")+`" "`+m.path("flags")+`"`)
			m.program("docker", `[ -f "`+m.path("flags")+`" ] && echo 1.0`)
			output, ended := m.run("engine")
			if !ended || !strings.Contains(output, "1.0 started") {
				t.Fatalf("engine: %s", output)
			}
			want := strings.ReplaceAll(test.want, "SOCKET", m.path("run.sock"))
			if got := m.read("flags"); got != want {
				t.Errorf("started with %q, want %q", got, want)
			}
		})
	}
}

func TestSettings_LeaveTheFormerFilesWhereOneCannotBeRead(t *testing.T) {
	m := newMachine(t)
	key, password := m.write("key", "first key"), m.write("password", "first password")
	if output, ended := m.run("settings", "SECRET_KEY_FILE="+key, "BERTH_ADMIN_PASSWORD_FILE="+password); !ended {
		t.Fatal(output)
	}
	former := m.read(".berth/berth/compose.json")

	m.write("password", "second password")
	output, ended := m.run("settings", "SECRET_KEY_FILE="+m.path("absent"), "BERTH_ADMIN_PASSWORD_FILE="+password)
	if ended || !strings.Contains(output, "SECRET_KEY_FILE names "+m.path("absent")) {
		t.Errorf("a file that is not there: %s", output)
	}
	if got := m.read(".berth/berth/files/SECRET_KEY_FILE"); got != "first key" {
		t.Errorf("the key is %q", got)
	}
	if got := m.read(".berth/berth/files/BERTH_ADMIN_PASSWORD_FILE"); got != "first password" {
		t.Errorf("the password is %q", got)
	}
	if m.read(".berth/berth/compose.json") != former {
		t.Error("the controller's settings were changed")
	}
}

func TestSettings_HandOverWhatIsNamedAndForgetTheRest(t *testing.T) {
	m := newMachine(t)
	key, password := m.write("key", "first key"), m.write("password", "password")
	if output, ended := m.run("settings", "SECRET_KEY_FILE="+key, "BERTH_ADMIN_PASSWORD_FILE="+password); !ended {
		t.Fatal(output)
	}
	former := m.read(".berth/berth/compose.json")
	m.write(".berth/berth/files/.SSL_KEY_FILE.part", "left by a run that was ended")
	if output, ended := m.run("settings", "SECRET_KEY_FILE="+key, "BERTH_ADMIN_PASSWORD_FILE="+password); !ended || m.read(".berth/berth/compose.json") != former {
		t.Errorf("the same settings are others: %s", output)
	}
	if got := m.names(".berth/berth/files"); !slices.Equal(got, []string{"BERTH_ADMIN_PASSWORD_FILE", "SECRET_KEY_FILE"}) {
		t.Errorf("handed over: %q", got)
	}

	m.write("key", "second key")
	if output, ended := m.run("settings", "SECRET_KEY_FILE="+key); !ended {
		t.Fatal(output)
	}
	if got := m.names(".berth/berth/files"); !slices.Equal(got, []string{"SECRET_KEY_FILE"}) || m.read(".berth/berth/files/SECRET_KEY_FILE") != "second key" {
		t.Errorf("handed over: %q", got)
	}
	if text := m.read(".berth/berth/compose.json"); text == former || strings.Contains(text, "PASSWORD") {
		t.Errorf("settings %s", text)
	}
	if output, ended := m.run("settings"); !ended || len(m.names(".berth/berth/files")) != 0 {
		t.Errorf("without files: %s", output)
	}
}

func TestSettings_WriteNoSecretToTheDisk(t *testing.T) {
	m := newMachine(t)
	if output, ended := m.run("settings", "SECRET_KEY=hunter2hunter2", "BERTH_ADMIN_PASSWORD=hunter2$1"); !ended {
		t.Fatal(output)
	}
	text := m.read(".berth/berth/compose.json")
	if strings.Contains(text, "hunter2") || !strings.Contains(text, `"SECRET_KEY":null`) || !strings.Contains(text, `"BERTH_ADMIN_PASSWORD":null`) {
		t.Errorf("settings %s", text)
	}
}

// listen returns the path of a socket, which is short enough for one.
func listen(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "berth")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return socket
}

func TestDown_SaysThatNoEngineRunsOnlyWhereNoneDoes(t *testing.T) {
	for name, test := range map[string]struct {
		answer, want string
		ended        bool
	}{
		"nobody listens":    {"Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "no engine runs", true},
		"newer words":       {"failed to connect to the docker API at unix:///x: dial unix /x: connect: connection refused", "no engine runs", true},
		"older permission":  {"Got permission denied while trying to connect to the Docker daemon socket at unix:///x", "run 'sudo make down'", false},
		"newer permission":  {"permission denied while trying to connect to the docker API at unix:///x", "run 'sudo make down'", false},
		"an engine that is": {"Error response from daemon: client version 1.24 is too old", "too old", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			socket := listen(t)
			m.program("docker", "echo '"+test.answer+"' >&2; exit 1")
			output, ended := m.run("down", "BERTH_DOCKER_SOCKET="+socket)
			if ended != test.ended || !strings.Contains(output, test.want) {
				t.Errorf("ended well: %v, %s", ended, output)
			}
		})
	}
	m := newMachine(t)
	m.program("docker", "echo 'failed to connect: no such file or directory' >&2; exit 1")
	if output, ended := m.run("down"); !ended || !strings.Contains(output, "no engine runs") {
		t.Errorf("without a socket: %s", output)
	}
}
