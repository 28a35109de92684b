package docker

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/system"

	"berth/controller/docker/link"
)

// layerBound is the bound on what instances write into their own file systems. Where the
// engine cannot hold it, the watch of those file systems does.
type layerBound struct {
	bytes int64

	mutex    sync.Mutex
	asked    bool // whether the engine offers a bound
	offered  bool
	rejected bool // it was refused although it is offered: the disk has no quotas
}

// storageOptions returns the engine's option for a bounded file system; nil where the
// engine has none.
func (e *Engine) storageOptions(ctx context.Context) map[string]string {
	bound := &e.layers
	bound.mutex.Lock()
	defer bound.mutex.Unlock()
	if bound.bytes == 0 || bound.rejected {
		return nil
	}
	if !bound.asked {
		ctx, cancel := link.Within(ctx, link.CallTimeout)
		defer cancel()
		info, err := e.link.API(ctx).Info(ctx)
		if err != nil {
			e.link.Logger.Warn("ask engine for its storage driver", slog.Any("error", err))
			return nil
		}
		bound.asked, bound.offered = true, offersSize(info)
	}
	if !bound.offered {
		return nil
	}
	return map[string]string{"size": strconv.FormatInt(bound.bytes, 10)}
}

// refused reports whether the engine refused the bound, and remembers it.
func (b *layerBound) refused(options map[string]string, err error) bool {
	if options == nil || err == nil || !strings.Contains(err.Error(), "storage-opt") && !strings.Contains(err.Error(), "quota") {
		return false
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.rejected = true
	return true
}

// offersSize reports whether the storage driver may take a size: overlay2 on xfs, if that
// is mounted with project quotas, and the drivers that make a volume for each container.
func offersSize(info system.Info) bool {
	switch info.Driver {
	case "btrfs", "zfs", "devicemapper":
		return true
	case "overlay2":
		return slices.Contains(info.DriverStatus, [2]string{"Backing Filesystem", "xfs"})
	default:
		return false
	}
}
