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

	askedAt time.Time // when the engine told the restarts
}

// askAgain is how long the number of restarts counts while nothing else tells of one.
const askAgain = 10 * time.Minute

// Usage measures the instance once, without waiting for a second sample. The sample before,
// which may be the zero Usage, spares the engine a call: its number of restarts counts for
// ten minutes, as long as the instance's counters do not begin anew.
func (e *Engine) Usage(ctx context.Context, name string, before Usage) (Usage, error) {
	var used Usage
	if !before.askedAt.IsZero() {
		var err error
		if used, err = e.measure(ctx, name); err != nil {
			return Usage{}, err
		}
		used.Restarts, used.askedAt = before.Restarts, before.askedAt
		if used.At.Sub(before.askedAt) < askAgain && used.countsOn(before) {
			return used, nil
		}
	}
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return Usage{}, err
	}
	if used.At.IsZero() {
		if used, err = e.measure(ctx, instance.ID); err != nil {
			return Usage{}, err
		}
	}
	used.Restarts, used.askedAt = instance.Condition.Restarts, used.At
	return used, nil
}

// countsOn reports whether the counters are those of the sample before, and have grown.
func (u Usage) countsOn(before Usage) bool {
	return u.CPUNanos >= before.CPUNanos && u.NetworkIn >= before.NetworkIn && u.NetworkOut >= before.NetworkOut
}

func (e *Engine) measure(ctx context.Context, id string) (Usage, error) {
	ctx, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	response, err := e.link.API(ctx).ContainerStatsOneShot(ctx, id)
	if err != nil {
		return Usage{}, link.Failure(ctx, "measure "+id, err)
	}
	defer func() { _ = response.Body.Close() }()
	var stats container.StatsResponse
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return Usage{}, link.Failure(ctx, "measure "+id, err)
	}
	return usageOf(stats), nil
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
