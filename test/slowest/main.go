// Command slowest reads what go test -json prints. It shows what go test shows without -json, and the slowest tests at the end.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	listed   = 10
	longLine = 16 << 20 // bytes of one event
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "slowest:", err)
		os.Exit(1)
	}
}

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64 // seconds
}

type duration struct {
	test, pkg string
	seconds   float64
}

// report holds back what a package prints until the package ends, as go test does.
type report struct {
	out       io.Writer
	packages  map[string]*printed
	durations []duration
}

// printed is the output of one package so far.
type printed struct {
	failed strings.Builder    // of the tests that failed
	open   map[string]*output // of each test that has not ended; the package itself has no name

	longest map[string]float64 // seconds of a part of each test
}

// output is what one test printed, its result first.
type output struct {
	result string
	body   strings.Builder
}

func (o *output) String() string { return o.result + o.body.String() }

func run(in io.Reader, out io.Writer) error {
	r := report{out: out, packages: make(map[string]*printed)}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longLine)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(out, lines.Text()) // what go itself says
			continue
		}
		r.add(e)
	}
	for name := range r.packages {
		r.end(name, "fail") // go test was killed
	}
	r.list()
	return lines.Err()
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	of := r.packages[e.Package]
	if of == nil {
		of = &printed{open: map[string]*output{"": {}}, longest: make(map[string]float64)}
		r.packages[e.Package] = of
	}
	switch e.Action {
	case "run":
		of.open[e.Test] = &output{}
	case "output":
		of.write(e.Test, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.end(e.Package, e.Action)
			return
		}
		of.end(e.Test, e.Action)
		r.time(e)
	}
}

// time notes how long a test took: as long as its longest part, where the parts ran beside each other and it only waited.
func (r *report) time(e event) {
	root, _, part := strings.Cut(e.Test, "/")
	if part {
		of := r.packages[e.Package]
		of.longest[root] = max(of.longest[root], e.Elapsed)
		return
	}
	seconds := max(e.Elapsed, r.packages[e.Package].longest[root])
	r.durations = append(r.durations, duration{root, e.Package, seconds})
}

// write keeps the text, but for the lines that only -v shows.
func (p *printed) write(test, text string) {
	if strings.HasPrefix(text, "=== ") || test == "" && text == "PASS\n" {
		return
	}
	if p.open[test] == nil {
		p.open[test] = &output{}
	}
	if strings.HasPrefix(strings.TrimSpace(text), "--- FAIL: ") {
		p.open[test].result = text
		return
	}
	p.open[test].body.WriteString(text)
}

func (p *printed) end(test, action string) {
	text := p.open[test]
	delete(p.open, test)
	if action != "fail" || text == nil {
		return
	}
	into := &p.failed
	if at := strings.LastIndex(test, "/"); at > 0 && p.open[test[:at]] != nil {
		into = &p.open[test[:at]].body // below what the test around it says
	}
	into.WriteString(text.String())
}

// end prints the package: its result alone where it passed.
func (r *report) end(name, action string) {
	of := r.packages[name]
	delete(r.packages, name)
	own := of.open[""].String()
	if action != "fail" {
		for line := range strings.Lines(own) {
			if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") {
				fmt.Fprint(r.out, line)
			}
		}
		return
	}
	delete(of.open, "")
	fmt.Fprint(r.out, of.failed.String())
	for _, test := range slices.Sorted(maps.Keys(of.open)) {
		fmt.Fprint(r.out, of.open[test].String()) // it panicked, or the time was over
	}
	fmt.Fprint(r.out, own)
}

func (r *report) list() {
	slices.SortStableFunc(r.durations, func(a, b duration) int { return cmp.Compare(b.seconds, a.seconds) })
	if len(r.durations) == 0 {
		return
	}
	fmt.Fprintln(r.out, "\nThe slowest tests:")
	for _, d := range r.durations[:min(listed, len(r.durations))] {
		spent := time.Duration(d.seconds * float64(time.Second)).Round(10 * time.Millisecond)
		fmt.Fprintf(r.out, "%9s  %s  %s\n", spent, d.pkg, d.test)
	}
}
