package collect

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"berth/controller/metrics"
)

// machine reads what the kernel tells of the whole server, in a container too.
type machine struct {
	proc   string // /proc
	folder string // on the disk

	busy, all float64 // ticks of all processors at the round before
}

// take reads the server's processors, memory, load and disk. What cannot be read is left out.
func (m *machine) take(values metrics.Values) {
	m.takeCPU(values)
	memory := m.lines("meminfo")
	if size, free := kibibytes(memory["MemTotal:"]), kibibytes(memory["MemAvailable:"]); size > 0 {
		values.Set(metrics.Memory, max(0, size-free))
		values.Set(metrics.MemorySize, size)
	}
	if words := m.words("loadavg"); len(words) > 0 {
		if load, err := strconv.ParseFloat(words[0], 64); err == nil {
			values.Set(metrics.Load, load)
		}
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(m.folder, &disk); err == nil && disk.Blocks > 0 {
		values.Set(metrics.DiskSize, float64(disk.Blocks)*float64(disk.Bsize))
		values.Set(metrics.DiskUsed, float64(disk.Blocks-disk.Bfree)*float64(disk.Bsize))
	}
}

// takeCPU is in percent of one core, as that of an app is.
func (m *machine) takeCPU(values metrics.Values) {
	words := strings.Fields(m.lines("stat")["cpu"])
	if len(words) < 5 {
		return
	}
	var all, idle float64
	for i, word := range words[:min(len(words), 8)] { // what guests take is in user's already
		ticks, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return
		}
		all += ticks
		if i == 3 || i == 4 { // idle, and waiting for a disk
			idle += ticks
		}
	}
	busy := all - idle
	if m.all > 0 && all > m.all && busy >= m.busy {
		values.Set(metrics.CPU, 100*float64(m.cores())*(busy-m.busy)/(all-m.all))
	}
	m.busy, m.all = busy, all
}

func (m *machine) cores() int {
	cores := 0
	for name := range m.lines("stat") {
		if len(name) > len("cpu") && strings.HasPrefix(name, "cpu") {
			cores++
		}
	}
	return max(1, cores)
}

// lines are those of a file by their first word.
func (m *machine) lines(name string) map[string]string {
	content, err := os.ReadFile(filepath.Join(m.proc, name))
	if err != nil {
		return nil
	}
	lines := make(map[string]string)
	for line := range strings.Lines(string(content)) {
		first, rest, _ := strings.Cut(line, " ")
		lines[first] = strings.TrimSpace(rest)
	}
	return lines
}

func (m *machine) words(name string) []string {
	content, err := os.ReadFile(filepath.Join(m.proc, name))
	if err != nil {
		return nil
	}
	return strings.Fields(string(content))
}

// kibibytes reads text such as "2048 kB" in bytes; 0 where it is none.
func kibibytes(text string) float64 {
	number, err := strconv.ParseFloat(strings.TrimSuffix(text, " kB"), 64)
	if err != nil {
		return 0
	}
	return number * 1024
}
