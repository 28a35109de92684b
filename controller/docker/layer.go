package docker

import (
	"context"
	"time"

	"berth/controller/docker/link"
)

// layerTimeout bounds what the engine may take to walk the files of one instance.
const layerTimeout = 10 * time.Second

// LayerSize returns the bytes that an instance has written into its own file system, and
// those of the volumes that its image declares and that go with it. The engine walks all that was written for it, which takes
// seconds where there are many files: it is not to be asked often.
func (e *Engine) LayerSize(ctx context.Context, name string) (int64, error) {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return 0, err
	}
	ctx, cancel := link.Within(ctx, layerTimeout)
	defer cancel()
	found, _, err := e.link.API(ctx).ContainerInspectWithRaw(ctx, instance.ID, true)
	if err != nil {
		return 0, link.Failure(ctx, "measure the files of "+name, err)
	}
	var bytes int64
	if found.ContainerJSONBase != nil && found.SizeRw != nil {
		bytes = *found.SizeRw
	}
	for _, source := range declaredVolumes(found) {
		usage, err := e.CountSource(ctx, source, layerTimeout/2)
		if err != nil {
			return 0, err
		}
		bytes += usage.Stored
	}
	return bytes, nil
}
