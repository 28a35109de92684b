// Package execfailure says in words why a program in a container could not run, and how to fix it.
package execfailure

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"berth/controller/archive"
	"berth/controller/problem"
)

// How programs say that they could not run another one: the engine and its init about the
// app's command, env about the interpreter of a script, and shells about a line of theirs.
var (
	execFailed  = regexp.MustCompile(`(?i)\bexec (\S+?)(?: failed)?: (no such file or directory|permission denied|exec format error)`)
	envFailed   = regexp.MustCompile(`(?i)\benv: (?:can't execute )?['‘"]?([^'’":]+)['’"]?: no such file or directory`)
	shellFailed = regexp.MustCompile(`(?:: |^)([^\s:]+): (?:command )?not found$`)
	windowsSign = regexp.MustCompile(`\\r['’]?: (?i:no such file|command not found)|^: not found$`)
)

// The exit codes of shells for a program that may not run, and for one that is not there.
const (
	exitLocked  = 126
	exitMissing = 127
)

// scriptTimeout bounds the reading of a script.
const scriptTimeout = 5 * time.Second

// scriptBytes is the most of a script that is read to find out what is wrong with it.
const scriptBytes = 256 << 10

// Hints that several diagnoses share.
const (
	hintLineEnds = "Save the script with line ends of Unix (LF), in the editor or with `dos2unix`; the line `*.sh text eol=lf` in .gitattributes keeps git from changing them. " +
		"Or let the Dockerfile do it: RUN sed -i 's/\\r$//' FILE."
	hintInstall = "Install it in the Dockerfile, or correct its name. In an image of several stages, the last stage must hold it."
)

// execFailure is what the last lines of an app say about a program that did not run.
type execFailure struct {
	program string // as it was called; empty where the lines do not say
	reason  string // in lower case: one of execFailed
}

// Explain explains an app that ended with the exit code because a program in it could not
// run; nil where its last lines do not say that this is the cause. open opens the archive
// of that name, in which the program may be a script; without a name there is none.
func Explain(exitCode int, lines []string, open func(string) (*archive.Tree, error), name string) *problem.Problem {
	if found := findExecFailure(lines); found != nil && name != "" {
		return found.problem(script(found.program, open, name))
	} else if found != nil {
		return found.problem(nil)
	}
	return explainShell(exitCode, lines)
}

// findExecFailure returns nil where the lines tell of none.
func findExecFailure(lines []string) *execFailure {
	for _, line := range lines {
		if match := execFailed.FindStringSubmatch(line); match != nil {
			return &execFailure{program: match[1], reason: strings.ToLower(match[2])}
		}
	}
	return nil
}

// script returns the text of the archive's file that has the program's name; nil where the
// archive has none, or more than one.
func script(program string, open func(string) (*archive.Tree, error), name string) []byte {
	tree, err := open(name)
	if err != nil {
		return nil
	}
	defer tree.Close()
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	return findScript(ctx, tree, path.Base(program))
}

func findScript(ctx context.Context, tree *archive.Tree, name string) []byte {
	found := ""
	for _, entry := range tree.Entries() {
		if entry.Kind != archive.File || path.Base(entry.Path) != name {
			continue
		}
		if found != "" {
			return nil
		}
		found = entry.Path
	}
	if found == "" {
		return nil
	}
	text, err := tree.ReadFile(ctx, found, scriptBytes)
	if err != nil {
		return nil
	}
	return text
}

// problem says what is wrong with the program, whose text is script where it is known.
func (f *execFailure) problem(script []byte) *problem.Problem {
	first, _, _ := bytes.Cut(script, []byte("\n"))
	interpreter, isScript := bytes.CutPrefix(first, []byte("#!"))
	_, windows := bytes.CutSuffix(first, []byte("\r"))
	words := strings.Fields(string(interpreter))
	switch {
	case f.reason == "permission denied":
		return problem.Invalid(
			fmt.Sprintf("The app's command %.200s may not be executed: it lacks the permission.", f.program),
			fmt.Sprintf("Add RUN chmod 755 %.200s to the Dockerfile, or write COPY --chmod=755. It does not run as root, so the folders above it must be open for all, too.", f.program),
		)
	case windows:
		return problem.Invalid(
			fmt.Sprintf("The script %.200s has the line ends of Windows (CRLF), so the interpreter in its first line is not found.", f.program),
			strings.ReplaceAll(hintLineEnds, "FILE", f.program),
		)
	case f.reason == "exec format error" && len(script) > 0 && !isScript && bytes.IndexByte(script, 0) < 0:
		return problem.Invalid(
			fmt.Sprintf("The script %.200s has no first line that names its interpreter.", f.program),
			"Begin it with a line such as #!/bin/sh.",
		)
	case f.reason == "exec format error":
		return problem.Invalid("The app's program is not made for this machine's processor.", "Build it for this machine, or build it in the Dockerfile.")
	case isScript && len(words) > 0:
		return problem.Invalid(
			fmt.Sprintf("The script %.200s needs %.100q, which is not in the image.", f.program, words[0]),
			hintInstall,
		)
	default:
		return problem.Invalid(
			fmt.Sprintf("The app's command %.200s is not in the image, or the interpreter or library that it needs is not.", f.program),
			"See that the Dockerfile copies it there, and into the last stage. A program that was built for glibc does not run on Alpine, and a script needs the interpreter that its first line names.",
		)
	}
}

// explainShell explains exit codes with which shells and env end; nil for others.
func explainShell(exitCode int, lines []string) *problem.Problem {
	if exitCode != exitLocked && exitCode != exitMissing {
		return nil
	}
	for _, line := range lines {
		if windowsSign.MatchString(line) {
			return problem.Invalid("A script of the app has the line ends of Windows (CRLF), so its commands are not found.", hintLineEnds)
		}
	}
	if exitCode == exitLocked {
		return problem.Invalid(
			"The app ended with exit code 126: a program that it runs may not be executed.",
			"Its last lines name the program. Add RUN chmod 755 to the Dockerfile, or write COPY --chmod=755.",
		)
	}
	for _, line := range lines {
		for _, pattern := range []*regexp.Regexp{envFailed, shellFailed} {
			if match := pattern.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
				return problem.Invalid(fmt.Sprintf("The app needs the program %.100q, which is not in the image.", match[1]), hintInstall)
			}
		}
	}
	return problem.Invalid("The app ended with exit code 127: a program that it runs is not in the image.", "Its last lines name the program. "+hintInstall)
}
