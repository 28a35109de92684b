package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
)

// surroundings is what this process sees of the container around it.
type surroundings struct {
	Version  string
	Go       string
	Hostname string
	Facts    []fact
}

// fact is one line of the table: what was looked at, what was found, and whether that is the hardened answer.
type fact struct {
	Name   string
	Value  string
	Strict bool
}

// look reads /proc anew for every request: it is the kernel's word, not a setting's.
func look() surroundings {
	hostname, _ := os.Hostname()
	status := processStatus()
	return surroundings{
		Version:  version,
		Go:       runtime.Version(),
		Hostname: hostname,
		Facts: []fact{
			user(status["Uid"]),
			{"New privileges", word(status["NoNewPrivs"] == "1", "never", "possible"), status["NoNewPrivs"] == "1"},
			{"Effective capabilities", status["CapEff"], strings.Trim(status["CapEff"], "0") == ""},
			{"Bounding capabilities", status["CapBnd"], strings.TrimLeft(status["CapBnd"], "0") == "400"},
			{"System call filter", word(status["Seccomp"] == "2", "on", "off"), status["Seccomp"] == "2"},
			rootFileSystem(),
		},
	}
}

// processStatus is /proc/self/status by field name; empty where there is no such file.
func processStatus() map[string]string {
	text, _ := os.ReadFile("/proc/self/status")
	fields := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// user reads the effective one, the second of four numbers.
func user(ids string) fact {
	numbers := strings.Fields(ids)
	if len(numbers) < 2 {
		return fact{"User", "unknown", false}
	}
	return fact{"User", numbers[1], numbers[1] != "0"}
}

// rootFileSystem asks for the flags of the mount: trying to write would only tell that this user may not.
func rootFileSystem() fact {
	const readOnly = 1
	var mount syscall.Statfs_t
	if err := syscall.Statfs("/", &mount); err != nil {
		return fact{"Root file system", "unknown", false}
	}
	strict := mount.Flags&readOnly != 0
	return fact{"Root file system", word(strict, "read-only", "writable"), strict}
}

func word(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
