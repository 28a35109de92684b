package docker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
)

// Usage is what an instance takes at one moment. One that does not run takes nothing.
type Usage struct {
	MemoryBytes int64 // without the page cache that the kernel can take back
	MemoryLimit int64
	CPUNanos    uint64 // used since the instance started; the difference of two gives the load
	At          time.Time
}

// Usage measures the instance once, without waiting for a second sample.
func (e *Engine) Usage(ctx context.Context, name string) (Usage, error) {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return Usage{}, err
	}
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	response, err := e.link.API(ctx).ContainerStatsOneShot(ctx, instance.ID)
	if err != nil {
		return Usage{}, link.Failure(ctx, "measure "+name, err)
	}
	defer func() { _ = response.Body.Close() }()
	var stats container.StatsResponse
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return Usage{}, link.Failure(ctx, "measure "+name, err)
	}
	return usageOf(stats), nil
}

func usageOf(stats container.StatsResponse) Usage {
	at := stats.Read
	if at.IsZero() {
		at = time.Now() // it does not run, so nothing was read
	}
	return Usage{
		MemoryBytes: int64(workingSet(stats.MemoryStats)),
		MemoryLimit: int64(stats.MemoryStats.Limit),
		CPUNanos:    stats.CPUStats.CPUUsage.TotalUsage,
		At:          at,
	}
}

// workingSet takes the inactive page cache off: the kernel counts it, and gives
// it up before anything suffers. Version 1 of cgroups calls it by another name.
func workingSet(memory container.MemoryStats) uint64 {
	inactive, ok := memory.Stats["total_inactive_file"]
	if !ok {
		inactive = memory.Stats["inactive_file"]
	}
	if inactive > memory.Usage {
		return 0
	}
	return memory.Usage - inactive
}
