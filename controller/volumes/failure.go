package volumes

import (
	"errors"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// Failure words for the person what the engine says of a volume.
func Failure(name volume.Name, err error) error {
	switch {
	case errors.Is(err, docker.ErrNotFound):
		return problem.NotFound(
			fmt.Sprintf("There is no volume called %s.", name),
			"See the page Volumes for those that there are.",
		).At("volume").Because(err)
	case errors.Is(err, docker.ErrVolumeExists):
		return problem.Conflict(
			fmt.Sprintf("There is a volume called %s already.", name),
			"Choose another name.",
		).At("name").Because(err)
	case errors.Is(err, docker.ErrForeignVolume):
		return problem.Conflict(
			fmt.Sprintf("The engine has a volume under the name of %s that Berth did not make.", name),
			"Choose another name; Berth leaves that one alone.",
		).At("name").Because(err)
	case errors.Is(err, docker.ErrVolumeInUse):
		return inUse(name, nil, err)
	case errors.Is(err, docker.ErrUnavailable):
		return problem.Unavailable(
			"The container engine does not answer.",
			"See that Docker runs on the machine, then try again.",
		).Because(err)
	default:
		return err
	}
}

func inUse(name volume.Name, users []app.Name, cause error) error {
	who := "A container still has it."
	if len(users) > 0 {
		names := make([]string, 0, len(users))
		for _, user := range users {
			names = append(names, string(user))
		}
		who = "It is mounted by " + strings.Join(names, ", ") + "."
	}
	return problem.Conflict(
		fmt.Sprintf("The volume %s was not deleted. %s", name, who),
		"Take it out of the app's volumes first, and wait until the release without it is live.",
	).At("confirm").Because(cause)
}
