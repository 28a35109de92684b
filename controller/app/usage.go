package app

import "berth/controller/docker"

// Plus adds a sample of an instance. Its share of the CPU is counted since the sample
// before, which may be the zero Usage.
func (u Usage) Plus(now, before docker.Usage) Usage {
	u.MemoryBytes += now.MemoryBytes
	u.MemoryLimit += now.MemoryLimit
	u.At = now.At
	if elapsed := now.At.Sub(before.At); !before.At.IsZero() && elapsed > 0 && now.CPUNanos >= before.CPUNanos {
		u.CPUPercent += 100 * float64(now.CPUNanos-before.CPUNanos) / float64(elapsed.Nanoseconds())
	}
	return u
}
