// Package holes knows the published holes of the programs below Berth, and which versions have them.
package holes

import (
	"slices"
	"strconv"
	"strings"
)

// Program is a program below Berth.
type Program string

// The programs. BuildKit is built into the engine, which tells only its own version.
const (
	Engine   Program = "Docker Engine"
	Runc     Program = "runc"
	BuildKit Program = "BuildKit"
	Traefik  Program = "Traefik"
)

// Hole is a published hole of one program.
type Hole struct {
	Program  Program
	Advisory string
	What     string
	// Fixed are the first versions without it, one for each branch that got the fix, in
	// order. Later branches than the last do not have it. For BuildKit they are the engine's.
	Fixed []string
}

// table is what is published and matters to Berth, the newest of a program first where a
// row cannot name all. A new line needs nothing else.
var table = []Hole{
	{Engine, "CVE-2026-42306", "a copy into a container that runs can write files of the host", []string{"29.5.1"}},
	{Engine, "CVE-2026-41568", "a copy into a container that runs can make files of the host", []string{"29.5.1"}},
	{Engine, "CVE-2026-41567", "a container's own tools unpack what is copied into it", []string{"29.5.1"}},
	{Engine, "CVE-2026-33997", "the check of a plugin's rights can be passed", []string{"29.3.1"}},
	{Engine, "CVE-2026-34040", "authorization plugins are not asked about large requests", []string{"29.3.1"}},
	{Engine, "CVE-2024-29018", "internal networks pass DNS questions on to the outside", []string{"23.0.11", "25.0.5", "26.0.0"}},

	{Runc, "CVE-2024-21626", "a container can reach the host's files by an open folder", []string{"1.1.12"}},
	{Runc, "CVE-2025-31133", "a container can write to the kernel's files by a masked path", []string{"1.2.8", "1.3.3"}},
	{Runc, "CVE-2025-52565", "a container can write to the kernel's files by its console", []string{"1.2.8", "1.3.3"}},
	{Runc, "CVE-2025-52881", "a container can send writes of runc elsewhere", []string{"1.2.8", "1.3.3"}},

	{BuildKit, "CVE-2024-23651", "a build can reach the host's files by its cache mounts", []string{"25.0.2"}},
	{BuildKit, "CVE-2024-23652", "a build can delete files of the host", []string{"25.0.2"}},
	{BuildKit, "CVE-2024-23653", "a build can run a container with more rights than it has", []string{"25.0.2"}},
	// Fixed in BuildKit 0.28.1 and 0.31.1, which no engine before 29.0 has. Which later one
	// has them, the engine does not tell: BuildKitOwn.
	{BuildKit, "GHSA-4c29-8rgm-jvjj", "a frontend of a build can write outside of its folder; Berth refuses such frontends", []string{"29.0.0"}},
	{BuildKit, "GHSA-7236-3392-c5c6", "a frontend of a build can turn off seccomp and AppArmor; Berth refuses such frontends", []string{"29.0.0"}},

	{Traefik, "GHSA-9cr8-q42q-g8m7", "HTTP/3 skips the TLS options of some hosts", []string{"3.7.3"}},
	{Traefik, "GHSA-6765-c87h-8mrf", "the check of one password can answer for another", []string{"3.7.10"}},
	{Traefik, "GHSA-qr99-7898-vr7c", "a client can send the header that names the user", []string{"3.7.13"}},
}

// BuildKitOwn is the least version of BuildKit itself without published holes.
const BuildKitOwn = "0.31.1"

// Of returns the holes of a version, and the least version without any of them. A version
// that cannot be read has unknown holes: known is false.
func Of(program Program, version string) (found []Hole, update string, known bool) {
	parts, known := parse(version)
	if !known {
		return nil, "", false
	}
	for _, hole := range table {
		if hole.Program != program || !hole.in(parts) {
			continue
		}
		found = append(found, hole)
		if fix := hole.fixFor(parts); update == "" || compare(mustParse(update), mustParse(fix)) < 0 {
			update = fix
		}
	}
	return found, update, true
}

// in reports whether the version has the hole.
func (h Hole) in(version []int) bool { return compare(version, mustParse(h.fixFor(version))) < 0 }

// fixFor is the fix of the version's own branch, else the last one.
func (h Hole) fixFor(version []int) string {
	at := slices.IndexFunc(h.Fixed, func(fix string) bool { return slices.Equal(mustParse(fix)[:2], version[:2]) })
	if at < 0 {
		at = len(h.Fixed) - 1
	}
	return h.Fixed[at]
}

// parse reads three numbers, and leaves out what a distribution adds behind them.
func parse(version string) ([]int, bool) {
	version = strings.TrimPrefix(version, "v")
	if end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		version = version[:end]
	}
	texts := strings.SplitN(strings.Trim(version, "."), ".", 4)
	numbers := make([]int, 3)
	if len(texts) < 2 {
		return nil, false
	}
	for i := range min(len(texts), 3) {
		number, err := strconv.Atoi(texts[i])
		if err != nil {
			return nil, false
		}
		numbers[i] = number
	}
	return numbers, true
}

// mustParse is for versions of the table, which a test reads.
func mustParse(version string) []int {
	numbers, _ := parse(version)
	return numbers
}

func compare(a, b []int) int { return slices.Compare(a, b) }
