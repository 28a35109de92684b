package docker

import (
	"context"
	"encoding/json"
	"strings"
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

	// These count since the instance started.
	NetworkIn, NetworkOut   uint64 // bytes, from the instance's side
	BlockRead, BlockWritten uint64 // bytes, from and to disks; 0 where the kernel does not count them

	Processes int64
	Restarts  int // by the engine, since the instance was last started by hand
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
	used := usageOf(stats)
	used.Restarts = instance.Condition.Restarts
	return used, nil
}

func usageOf(stats container.StatsResponse) Usage {
	at := stats.Read
	if at.IsZero() {
		at = time.Now() // it does not run, so nothing was read
	}
	used := Usage{
		MemoryBytes: int64(workingSet(stats.MemoryStats)),
		MemoryLimit: int64(stats.MemoryStats.Limit),
		CPUNanos:    stats.CPUStats.CPUUsage.TotalUsage,
		At:          at,
		Processes:   int64(stats.PidsStats.Current),
	}
	for _, network := range stats.Networks {
		used.NetworkIn += network.RxBytes
		used.NetworkOut += network.TxBytes
	}
	for _, moved := range stats.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(moved.Op) { // version 2 of cgroups has small letters
		case "read":
			used.BlockRead += moved.Value
		case "write":
			used.BlockWritten += moved.Value
		}
	}
	return used
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
