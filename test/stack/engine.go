package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"berth/test/claim"
	"berth/test/patience"
)

const engineWait = 60 * time.Second

// Engine is a Docker engine of its own, with a network of its own: a second machine, as far
// as containers, images, volumes and addresses go.
type Engine struct {
	Socket string
	Host   string // this machine, as that one reaches it

	name    string
	folder  string
	command *exec.Cmd
	printed bytes.Buffer
}

// StartEngine starts one that keeps all in the folder. The caller must Stop it.
func StartEngine(folder string) (*Engine, error) {
	e := &Engine{folder: folder, Socket: filepath.Join(folder, "engine.sock")}
	network, err := e.reserve()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.connect(network), e.start()); err != nil {
		e.Stop()
		return nil, fmt.Errorf("start a second engine: %w\n%s", err, e.printed.String())
	}
	return e, nil
}

// reserve claims a name, and 10.222.N.0/30 for it.
func (e *Engine) reserve() (network string, err error) {
	const most = 16
	for n := range most {
		if e.name = fmt.Sprintf("berth-eng%d", n); claim.Name(e.name) {
			e.Host = fmt.Sprintf("10.222.%d.1", n)
			e.removeNetwork() // of a test that was killed
			return fmt.Sprintf("10.222.%d.2/30", n), nil
		}
	}
	return "", errors.New("all places for engines are taken on this machine")
}

// connect makes the network of the engine, and a cable to this machine.
func (e *Engine) connect(address string) error {
	inside := e.name + "i"
	for _, arguments := range [][]string{
		{"netns", "add", e.name},
		{"link", "add", e.name, "type", "veth", "peer", "name", inside, "netns", e.name},
		{"addr", "add", e.Host + "/30", "dev", e.name},
		{"link", "set", e.name, "up"},
		{"-n", e.name, "addr", "add", address, "dev", inside},
		{"-n", e.name, "link", "set", inside, "up"},
		{"-n", e.name, "link", "set", "lo", "up"},
		{"-n", e.name, "route", "add", "default", "via", e.Host},
	} {
		if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", arguments, err, out)
		}
	}
	return nil
}

func (e *Engine) start() error {
	settings := filepath.Join(e.folder, "daemon.json") // none of the other engine's
	if err := os.WriteFile(settings, []byte(`{"exec-opts": ["native.cgroupdriver=cgroupfs"]}`), 0o600); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(e.folder, name) }
	e.command = e.Command(context.Background(), "unshare", "--mount", "dockerd", "--config-file", settings, "--host", "unix://"+e.Socket,
		"--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid"))
	e.command.Stdout, e.command.Stderr = &e.printed, &e.printed
	if err := e.command.Start(); err != nil {
		e.command = nil
		return err
	}
	if !patience.Eventually(engineWait, func() bool { _, err := e.Docker("version"); return err == nil }) {
		return errors.New("it does not answer")
	}
	return nil
}

// Command is a program with the network of the engine, and with its socket as DOCKER_HOST.
func (e *Engine) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "nsenter", append([]string{"--net=/run/netns/" + e.name}, arguments...)...)
	command.Env = append(os.Environ(), "DOCKER_HOST=unix://"+e.Socket)
	return command
}

// Docker runs the docker client against the engine.
func (e *Engine) Docker(arguments ...string) (string, error) {
	return Docker(append([]string{"--host", "unix://" + e.Socket}, arguments...)...)
}

// Give copies an image of this machine's engine to that one.
func (e *Engine) Give(image string) error {
	save, load := exec.Command("docker", "save", image), exec.Command("docker", "--host", "unix://"+e.Socket, "load")
	var err error
	if load.Stdin, err = save.StdoutPipe(); err != nil {
		return err
	}
	if err := save.Start(); err != nil {
		return err
	}
	out, err := load.CombinedOutput()
	if err = errors.Join(err, save.Wait()); err != nil {
		return fmt.Errorf("give image %s: %w: %s", image, err, out)
	}
	return nil
}

// Stop removes the containers, ends the engine and removes its network. Its folder stays.
func (e *Engine) Stop() {
	if e.command != nil {
		if ids, err := e.Docker("ps", "--all", "--quiet"); err == nil && ids != "" {
			for _, id := range bytes.Fields([]byte(ids)) {
				_, _ = e.Docker("rm", "--force", string(id))
			}
		}
		_ = e.command.Process.Signal(os.Interrupt)
		ended := make(chan struct{})
		go func() { _ = e.command.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(engineWait):
			_ = e.command.Process.Kill()
			<-ended
		}
		e.endContainerd()
	}
	e.removeNetwork()
}

// endContainerd ends the one that an engine started which was killed.
func (e *Engine) endContainerd() {
	text, err := os.ReadFile(filepath.Join(e.folder, "exec", "containerd", "containerd.pid"))
	if err != nil {
		return
	}
	if id, err := strconv.Atoi(string(bytes.TrimSpace(text))); err == nil {
		if process, err := os.FindProcess(id); err == nil {
			_ = process.Kill()
		}
	}
}

func (e *Engine) removeNetwork() {
	_ = exec.Command("ip", "link", "del", e.name).Run()
	_ = exec.Command("ip", "netns", "del", e.name).Run()
}
