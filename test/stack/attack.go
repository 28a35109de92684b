package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Attacks are what a hostile build does, by the words of controller/docker/dockertest/app that do it.
var Attacks = map[string][]string{
	"fork bomb": {"fork"},
	"memory":    {"hoard"},
	"output":    {"babble"},
	"disk":      {"fill", "/big"},
}

// Attack makes the archive of an app whose build does one of the Attacks until it is stopped. The version keeps the
// engine from a layer that it has already.
func (s *Stack) Attack(name, version string) ([]byte, error) {
	binary, err := s.attacker()
	if err != nil {
		return nil, err
	}
	words := append([]string{"/app"}, Attacks[name]...)
	return Zip(map[string][]byte{
		"app*": binary,
		"Dockerfile": fmt.Appendf(nil, "FROM scratch\nCOPY app /app\nENV VERSION=%s\nEXPOSE 8000\nRUN [\"%s\"]\nCMD [\"/app\"]\n",
			version, strings.Join(words, `", "`)),
	})
}

// attacker is the compiled program of the attacks.
func (s *Stack) attacker() ([]byte, error) {
	binary := filepath.Join(s.repository, ".berth", s.Name, "attacker")
	if content, err := os.ReadFile(binary); err == nil {
		return content, nil
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./controller/docker/dockertest/app")
	build.Dir, build.Env = s.repository, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the attacker: %w: %s", err, out)
	}
	return os.ReadFile(binary)
}
