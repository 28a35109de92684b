package app

import "berth/controller/docker"

func (u Usage) Plus(now, before docker.Usage) Usage {
	u.MemoryBytes += now.MemoryBytes
	u.MemoryLimit += now.MemoryLimit
	u.At = now.At
	if elapsed := now.At.Sub(before.At); !before.At.IsZero() && elapsed > 0 && now.CPUNanos >= before.CPUNanos {
		u.CPUPercent += 100 * float64(now.CPUNanos-before.CPUNanos) / float64(elapsed.Nanoseconds())
	}
	return u
}
