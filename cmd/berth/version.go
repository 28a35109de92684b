package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (-X main.version=v1.2.3) for a release.
var version string

// currentVersion returns the version of a release, else the commit that the
// program was built from, else "unreleased".
func currentVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unreleased"
	}
	commit, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	if commit == "" {
		return "unreleased"
	}
	return commit[:min(len(commit), 12)] + modified
}

func runVersion(_ context.Context, p *program, args []string) error {
	if err := p.parseFlagsOnly(newFlags("version"), args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "berth %s %s/%s\n", currentVersion(), runtime.GOOS, runtime.GOARCH)
	return err
}
