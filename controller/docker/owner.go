package docker

import (
	"context"

	"berth/controller/docker/link"
	"berth/controller/volume"
)

// FindOwner returns as numbers whom a container of the image runs as, if user is
// its policy's: whoever is to own the files that it writes to. A name that the
// image does not know is a *StartError, as it could not be started with it.
func (e *Engine) FindOwner(ctx context.Context, imageID, user string) (volume.Owner, error) {
	if owner, ok := volume.ParseOwner(user); ok {
		return owner, nil
	}
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	found, err := e.readAccounts(ctx, imageID, nil)
	if err != nil {
		return volume.Owner{}, err
	}
	who, err := found.identify(user)
	return who.owner, err
}
