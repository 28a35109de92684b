package broker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// engine answers every line in capitals, and goes on after the other side has
// said its last word.
func engine(t *testing.T, path string) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				lines := bufio.NewScanner(connection)
				for lines.Scan() {
					_, _ = io.WriteString(connection, strings.ToUpper(lines.Text())+"\n")
				}
				_, _ = io.WriteString(connection, "end\n")
			}()
		}
	}()
	return listener
}

func start(t *testing.T, folder string) (socket string, ended <-chan error, stop func()) {
	t.Helper()
	socket = filepath.Join(folder, "door.sock")
	door, err := Listen(Options{Listen: socket, Engine: filepath.Join(folder, "engine.sock"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	result := make(chan error, 1)
	go func() { result <- door.Run(ctx) }()
	return socket, result, cancel
}

func dial(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	connection, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection.(*net.UnixConn)
}

func TestBroker_CarriesBothWaysAndTheEndOfEach(t *testing.T) {
	folder := t.TempDir()
	engine(t, filepath.Join(folder, "engine.sock"))
	socket, ended, stop := start(t, folder)
	connection := dial(t, socket)
	if _, err := io.WriteString(connection, "hello\nagain\n"); err != nil {
		t.Fatal(err)
	}
	if err := connection.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil || string(answer) != "HELLO\nAGAIN\nend\n" {
		t.Errorf("answer %q, %v", answer, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

func TestBroker_IsOpenToItsGroupAndNobodyElse(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "door.sock"), nil, 0o600); err != nil { // of an earlier process
		t.Fatal(err)
	}
	socket, _, _ := start(t, folder)
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestBroker_EndsWhenTheEngineIsGone(t *testing.T) {
	folder := t.TempDir()
	listener := engine(t, filepath.Join(folder, "engine.sock"))
	socket, ended, _ := start(t, folder)
	first := dial(t, socket)
	if _, err := io.WriteString(first, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(first).ReadString('\n'); line != "HELLO\n" {
		t.Fatalf("answer %q, %v", line, err)
	}
	_ = listener.Close()
	second := dial(t, socket)
	if _, err := io.ReadAll(second); err != nil {
		t.Errorf("a connection that leads nowhere: %v", err)
	}
	if err := <-ended; !errors.Is(err, ErrEngineGone) {
		t.Errorf("Run() = %v", err)
	}
}

func TestBroker_StopClosesWhatIsOpen(t *testing.T) {
	folder := t.TempDir()
	engine(t, filepath.Join(folder, "engine.sock"))
	socket, ended, stop := start(t, folder)
	connection := dial(t, socket)
	if _, err := io.WriteString(connection, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(connection).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}
