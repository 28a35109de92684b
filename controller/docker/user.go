package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/volume"
)

// identity is whom an instance runs as, in numbers alone: the engine would look names
// up in what is mounted, where the app itself may have written.
type identity struct {
	owner  volume.Owner
	groups []string // beside the owner's
}

// user is how the engine is told.
func (i identity) user() string { return fmt.Sprintf("%d:%d", i.owner.User, i.owner.Group) }

// errUnknownAccount is for a name that is not in the image's own files.
var errUnknownAccount = errors.New("the image has no such account")

// identify finds out whom a container of the image runs as, with its policy's user and
// the folders that are going to be mounted, which must not hide what the image says. A
// name that could be root's without the waiver is nobody's.
func (e *Engine) identify(ctx context.Context, options StartOptions, policy plan.Policy) (identity, error) {
	targets, err := options.targets(policy)
	if err != nil {
		return identity{}, err
	}
	found, err := e.readAccounts(ctx, options.Image.ID, targets)
	if err != nil {
		return identity{}, err
	}
	if err := found.checkTargets(targets); err != nil {
		return identity{}, err
	}
	root := options.Service.Waivers.RunsAsRoot()
	if !root && isUserName(policy.User) && found.mayBeRoot(policy.User) {
		e.link.Logger.Warn("image user may be root by another name",
			slog.String("container", options.Name), slog.String("image_user", policy.User))
		policy.User = plan.Nobody
	}
	who, err := found.identify(policy.User)
	if err == nil && who.owner.User == 0 && !root {
		return identity{}, errRoot
	}
	return who, err
}

// targets are the places where something is mounted, in order.
func (o StartOptions) targets(policy plan.Policy) ([]string, error) {
	mounts, err := o.mounts(policy)
	if err != nil {
		return nil, err
	}
	all := slices.Collect(maps.Keys(policy.TemporaryFolders))
	for _, mounted := range mounts {
		all = append(all, mounted.Target)
	}
	if len(selectFiles(o.Service.Files, true)) > 0 {
		all = append(all, plan.SecretsFolder)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// guarded are the folders that nothing is mounted into by way of a link.
var guardedFolders = []string{"/etc", "/proc", "/sys", "/dev"}

// checkTargets refuses places that links of the image lead somewhere else: over its
// files of accounts, or into the system's own folders.
func (a accounts) checkTargets(targets []string) error {
	for _, target := range targets {
		place := a.targets[target]
		for _, one := range a.files() {
			if isWithin(one.file.place, place) {
				return &plan.Refusal{
					Reason: fmt.Sprintf("The image keeps its %s in %s, where something is mounted.", one.name, printable.Plain(target)),
					Hint:   "Mount it somewhere else, or make /etc of the image a folder of its own.",
				}
			}
		}
		linked := place != path.Clean(target) && slices.ContainsFunc(guardedFolders, func(folder string) bool { return isWithin(place, folder) })
		if linked || place == "/" {
			return &plan.Refusal{
				Reason: fmt.Sprintf("The folder %s of the image is a link to %s, where nothing can be mounted.", printable.Plain(target), printable.Plain(place)),
				Hint:   "Mount it somewhere else, or leave the link out of the image.",
			}
		}
	}
	return nil
}

// isWithin reports whether the path is the folder or below it.
func isWithin(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}

// isUserName reports whether a container's user is a name, which the image
// itself maps to a number, and not a number.
func isUserName(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	_, err := strconv.Atoi(name)
	return err != nil
}

// mayBeRoot reports whether a line of the user's name maps it to root: whoever writes
// the Dockerfile writes that file too. So it does where there is no such file; a name
// that is not in the file does not, as it is refused.
func (a accounts) mayBeRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	if !a.passwd.there {
		return true
	}
	for line := range strings.Lines(a.passwd.text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] == name && (len(fields) < 3 || !isAboveZero(fields[2])) {
			return true
		}
	}
	return false
}

func isAboveZero(id string) bool {
	number, err := strconv.Atoi(id)
	return err == nil && number > 0
}

// identify reads a user as the engine's runtime does: the first line of a name counts,
// a number without a line has the group 0, a group of its own wins and then there are
// no others. A name that is not there is a *StartError.
func (a accounts) identify(text string) (who identity, err error) {
	user, group, _ := strings.Cut(text, ":")
	if user == "" {
		user = "0"
	}
	line := findAccount(a.passwd.text, user)
	id, err := strconv.ParseUint(user, 10, 31)
	switch {
	case err == nil:
		who.owner.User = int(id)
	case len(line) > 2:
		who.owner.User = idIn(line[2])
	case user != "root":
		return identity{}, unknown("user", user)
	}
	if len(line) > 3 {
		who.owner.Group = idIn(line[3])
	}
	if group == "" {
		if len(line) > 0 {
			who.groups = a.groupsOf(line[0])
		}
		return who, nil
	}
	if id, err := strconv.ParseUint(group, 10, 31); err == nil {
		who.owner.Group = int(id)
		return who, nil
	}
	line = findAccount(a.group.text, group)
	if len(line) < 3 {
		return identity{}, unknown("group", group)
	}
	who.owner.Group = idIn(line[2])
	return who, nil
}

// groupsOf are the numbers of the groups that list the user among their members.
func (a accounts) groupsOf(user string) []string {
	var ids []string
	for line := range strings.Lines(a.group.text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > 3 && slices.Contains(strings.Split(fields[3], ","), user) && len(ids) < mostGroups {
			ids = append(ids, strconv.Itoa(idIn(fields[2])))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// mostGroups is how many groups one user has at most.
const mostGroups = 64

// findAccount returns the fields of the first line with the name or, where name is a
// number, with that number; nil where there is none.
func findAccount(text, name string) []string {
	field := 2
	if isUserName(name) {
		field = 0
	}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > 2 && fields[field] == name {
			return fields
		}
	}
	return nil
}

// idIn reads a number of a passwd file; what is none counts as 0, as the runtime has it.
func idIn(text string) int {
	id, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(id)
}

func unknown(what, name string) *StartError {
	return &StartError{
		Message: fmt.Sprintf("The image wants to run as the %s %q, which it does not know.", what, printable.Plain(name)),
		Err:     errUnknownAccount,
	}
}

// errRoot is for what would run, or runs, as root and must not.
var errRoot = &StartError{
	Message: "The app would run as root inside its container, and it has no security exception for that.",
	Err:     errors.New("user 0 without a security exception"),
}

// checkNotRoot asks the engine as whom the processes of a container run that has just
// started. Its capabilities let none of them become another user later. What has ended
// already has nothing to show; and neither has an engine without a ps on its machine.
func (e *Engine) checkNotRoot(ctx context.Context, id string) error {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	top, err := e.link.API(ctx).ContainerTop(ctx, id, []string{"-eo", "pid,uid"})
	if err != nil {
		e.link.Logger.Debug("look at users of processes", slog.String("container", id), slog.Any("error", err))
		return nil
	}
	at := slices.Index(top.Titles, "UID")
	for _, process := range top.Processes {
		if at >= 0 && at < len(process) && process[at] == "0" {
			e.link.Logger.Warn("app ran as root without a security exception", slog.String("container", id))
			return errRoot
		}
	}
	return nil
}
