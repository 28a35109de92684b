package images

import (
	"context"
	"strconv"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/link"
)

// OwnedImage is an image that this stack made: for a release, or for its helpers.
type OwnedImage struct {
	ID      string
	App     string // empty for a helper's
	Release int64
	Bytes   int64 // with the layers that other images have too
}

// OwnedImages returns every image that carries the stack's label. What was pulled, and
// what others made, is not among them.
func (i *Images) OwnedImages(ctx context.Context) ([]OwnedImage, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := i.link.API(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: i.link.Owned()})
	if err != nil {
		return nil, link.Failure(ctx, "list images", err)
	}
	all := make([]OwnedImage, 0, len(found))
	for _, image := range found {
		release, _ := strconv.ParseInt(image.Labels[link.LabelRelease], 10, 64)
		all = append(all, OwnedImage{ID: image.ID, App: i.link.App(image.Labels), Release: release, Bytes: image.Size})
	}
	return all, nil
}
