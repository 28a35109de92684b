package push

import (
	"fmt"
	"path"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/wire"
)

// Settings are what an app has settled about pushes.
type Settings struct {
	Branch string // the one that deploys; empty: what the first push that goes live uses
	Folder string // of the repository that holds the app; empty: the whole
}

// DefaultBranch is the branch that pages show while none was chosen.
const DefaultBranch = "main"

const (
	branches      = "refs/heads/"
	longestBranch = 200
	longestFolder = 500
)

// ParseSettings reads the settings as a person types them. All faults are Problems.
func ParseSettings(branch, folder string) (Settings, error) {
	var faults problem.Problems
	branch = strings.TrimPrefix(strings.TrimSpace(branch), branches)
	if branch != "" && !isBranch(branch) {
		faults = append(faults, problem.Invalid(fmt.Sprintf("%.80q cannot be the name of a branch.", branch), "Write it as git branch shows it, such as main.").At("branch"))
	}
	folder = strings.Trim(strings.TrimPrefix(strings.TrimSpace(folder), "./"), "/")
	if folder != "" && (len(folder) > longestFolder || path.Clean(folder) != folder || folder == "." || folder == ".." || strings.HasPrefix(folder, "../") || !printable.Is(folder)) {
		faults = append(faults, problem.Invalid(fmt.Sprintf("%.80q is not a folder of a repository.", folder), "Write it as it is in the repository, such as web/app.").At("folder"))
	}
	if len(faults) > 0 {
		return Settings{}, faults
	}
	return Settings{Branch: branch, Folder: folder}, nil
}

// isBranch follows git's rules for the name of a reference.
func isBranch(name string) bool {
	if len(name) > longestBranch || strings.ContainsAny(name, " ~^:?*[\\") || !printable.Is(name) ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, ".") || name == "@" || strings.HasPrefix(name, "-") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// choose returns the one command of a push that may be done, with the name of its branch.
func (s Settings) choose(commands []wire.Command) (wire.Command, string, error) {
	only := s.Branch
	if only == "" {
		only = "one branch"
	} else {
		only = "the branch " + only
	}
	for _, command := range commands {
		branch, isBranchRef := strings.CutPrefix(command.Ref, branches)
		switch {
		case !isBranchRef || !isBranch(branch):
			return wire.Command{}, "", refusedRef(command.Ref, only)
		case command.Deletes():
			return wire.Command{}, "", problem.Invalid(fmt.Sprintf("The branch %s cannot be deleted here.", branch), "To remove the app, use its page.")
		case s.Branch != "" && branch != s.Branch:
			return wire.Command{}, "", refusedRef(branch, only)
		}
	}
	if len(commands) > 1 {
		return wire.Command{}, "", problem.Invalid("A push deploys one branch.", "Push one branch alone, such as: git push berth main.")
	}
	return commands[0], strings.TrimPrefix(commands[0].Ref, branches), nil
}

func refusedRef(ref, only string) error {
	return problem.Invalid(
		fmt.Sprintf("%s is not deployed: this app deploys %s.", printable.Name(ref, longestBranch), only),
		"Push that branch, or choose another one in the settings of the app.",
	)
}
